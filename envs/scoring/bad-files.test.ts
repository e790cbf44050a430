import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { type FileMetric, scoreTexts } from './files.ts';
import { parseJson } from './json.ts';

const HOTPOT_GOLD = '[{"_id":"a","answer":"x","supporting_facts":[["t",0]]}]';
const HOTPOT_PREDICTION = '{"answer":{"a":"x"},"sp":{"a":[["t",0]]}}';
const WIKI_GOLD = HOTPOT_GOLD.replace('}]', ',"evidences":[["s","r","o"]],"evidences_id":[]}]');
const SQUAD_GOLD =
  '{"version":"1.1","data":[{"paragraphs":[{"qas":[{"id":"a","answers":[{"text":"x"}]}]}]}]}';
const MUSIQUE_GOLD =
  '{"id":"a","answer":"x","answer_aliases":[],"answerable":true,"paragraphs":[{"idx":0,"is_supporting":true}]}';
const MUSIQUE_PREDICTION =
  '{"id":"a","predicted_answer":"x","predicted_support_idxs":[0],"predicted_answerable":true}';
const TWINS = `${MUSIQUE_GOLD}\n${MUSIQUE_GOLD.replace('"answerable":true', '"answerable":false')}`;

/** metric, predictions, gold, what the message must say besides the expected shape. */
const BAD: readonly (readonly [FileMetric, string, string, RegExp])[] = [
  ['hotpotqa', '', HOTPOT_GOLD, /^p\.json: the file is empty/],
  ['hotpotqa', HOTPOT_PREDICTION, ' \n', /^g\.json: the file is empty/],
  ['hotpotqa', '{"answer":\n{"a":"x",}}', HOTPOT_GOLD, /^p\.json: broken JSON at line 2, column 10/],
  ['hotpotqa', HOTPOT_PREDICTION, '[{"_id":"a"', /^g\.json: broken JSON at line 1, column 12/],
  ['hotpotqa', '[]', HOTPOT_GOLD, /^p\.json: a list where an object belongs/],
  ['hotpotqa', '{"a":"x"}', HOTPOT_GOLD, /^p\.json: "answer": nothing where an object belongs/],
  [
    'hotpotqa',
    '{"answer":{"a":null}}',
    HOTPOT_GOLD,
    /^p\.json: "answer", id 'a': null where a string belongs/,
  ],
  ['hotpotqa', '{"answer":{"a":7}}', HOTPOT_GOLD, /id 'a': 7 where a string/],
  [
    'hotpotqa',
    '{"answer":{"a":"x",\n"a":"y"}}',
    HOTPOT_GOLD,
    /^p\.json: duplicate key "a" at line 2, column 1/,
  ],
  [
    'hotpotqa',
    '{"answer":{},"sp":{"a":[["t"]]}}',
    HOTPOT_GOLD,
    /"sp", id 'a', entry 0: 1 values where 2 belong/,
  ],
  ['hotpotqa', '{"answer":{},"sp":{"a":[["t","0"]]}}', HOTPOT_GOLD, /entry 0: "0" where an integer/],
  // Lists that mirrors of the data sets pack into a text: nobody's answer would be right.
  ...(
    [
      ['hotpotqa', HOTPOT_PREDICTION, HOTPOT_GOLD, /^g\.json: item 0: "answer": a list packed into a text/],
      ['2wikimultihopqa', HOTPOT_PREDICTION, WIKI_GOLD, /"answer": a list packed into a text/],
      ['squad-v1.1', '{"a":"x"}', SQUAD_GOLD, /"text": a list packed into a text where one answer/],
      ['musique', MUSIQUE_PREDICTION, MUSIQUE_GOLD, /^g\.json: line 1: "answer": a list packed into a text/],
    ] as const
  ).map(([metric, predictions, gold, message]): (typeof BAD)[number] => [
    metric,
    predictions,
    gold.replace(/("answer"|"text"):"x"/, (_, key) => `${key}:${JSON.stringify('["x", "y"]')}`),
    message,
  ]),
  ['hotpotqa', HOTPOT_PREDICTION, HOTPOT_GOLD.replace('"x"', `"['x', 'y']"`), /what may be a list packed/],
  [
    'musique',
    MUSIQUE_PREDICTION,
    MUSIQUE_GOLD.replace('_aliases":[]', String.raw`_aliases":["{\"target\": [\"x\"]}"]`),
    /"answer_aliases"\[0\]: an object packed into a text/,
  ],
  ['hotpotqa', HOTPOT_PREDICTION, '{}', /^g\.json: an object where a list belongs/],
  ['hotpotqa', HOTPOT_PREDICTION, '[]', /^g\.json: the list is empty/],
  ['hotpotqa', HOTPOT_PREDICTION, '[1]', /^g\.json: item 0: 1 where an object belongs/],
  ['hotpotqa', HOTPOT_PREDICTION, '[{"answer":"x"}]', /^g\.json: item 0: "_id": nothing where a string/],
  ['hotpotqa', HOTPOT_PREDICTION, '[{"_id":"a"}]', /^g\.json: item 0: "answer": nothing where a string/],
  ['hotpotqa', '{"answer":{}}', '[{"_id":"a"}]', /^g\.json: item 0: "answer": nothing where a string/],
  [
    'hotpotqa',
    HOTPOT_PREDICTION,
    '[{"_id":"a","answer":"x"}]',
    /item 0: "supporting_facts": nothing where a list/,
  ],
  [
    'hotpotqa',
    HOTPOT_PREDICTION,
    HOTPOT_GOLD.replace(/\[(\{.*\})\]/, '[$1,$1]'),
    /^g\.json: item 1: duplicate id 'a'/,
  ],
  [
    '2wikimultihopqa',
    '{"answer":{},"evidence":{"a":[["s","r"]]}}',
    WIKI_GOLD,
    /id 'a', entry 0: not three values/,
  ],
  [
    '2wikimultihopqa',
    '{"answer":{},"evidence":{}}',
    HOTPOT_GOLD,
    /item 0: "evidences": nothing where a list/,
  ],
  [
    '2wikimultihopqa',
    '{"answer":{},"evidence":{}}',
    WIKI_GOLD.replace('"evidences_id":[]', '"evidences_id":[["1","2","3"],["1","2","3"]]'),
    /item 0: 2 "evidences_id" for 1 "evidences"/,
  ],
  ['squad-v1.1', '{"a":["x"]}', SQUAD_GOLD, /^p\.json: id 'a': a list where a string belongs/],
  ['squad-v1.1', '{"a":"x"}', '{"version":"1.1"}', /^g\.json: "data": nothing where a list belongs/],
  ['squad-v1.1', '{"a":"x"}', '{"data":[]}', /^g\.json: no questions in it/],
  [
    'squad-v2',
    '{"a":"x"}',
    SQUAD_GOLD.replace('"id":"a",', ''),
    /data\[0\]: paragraphs\[0\]: qas\[0\]: "id": nothing/,
  ],
  [
    'squad-v2',
    '{"a":"x"}',
    SQUAD_GOLD.replace('"text":"x"', ''),
    /answers\[0\]: "text": nothing where a string/,
  ],
  [
    'squad-v2',
    '{"a":"x"}',
    SQUAD_GOLD.replace(/"qas":\[(.*?\]\})\]/, '"qas":[$1,$1]'),
    /qas\[1\]: duplicate id 'a'/,
  ],
  ['musique', '\n', MUSIQUE_GOLD, /^p\.json: the file is empty/],
  ['musique', `${MUSIQUE_PREDICTION}\n{"id":`, MUSIQUE_GOLD, /^p\.json: line 2: broken JSON at column 7/],
  ['musique', '"x"', MUSIQUE_GOLD, /^p\.json: line 1: "x" where an object belongs/],
  ['musique', '{"id":"a"}', MUSIQUE_GOLD, /^p\.json: line 1: "predicted_answer": nothing where a string/],
  [
    'musique',
    MUSIQUE_PREDICTION.replace('[0]', '["0"]'),
    MUSIQUE_GOLD,
    /"predicted_support_idxs": "0" where an integer/,
  ],
  ['musique', MUSIQUE_PREDICTION.replace('"id":"a",', ''), MUSIQUE_GOLD, /^p\.json: line 1: "id": nothing/],
  [
    'musique',
    `${MUSIQUE_PREDICTION}\n\n${MUSIQUE_PREDICTION}`,
    MUSIQUE_GOLD,
    /^p\.json: line 3: duplicate id 'a'/,
  ],
  ['musique', MUSIQUE_PREDICTION, `${MUSIQUE_GOLD}\n${MUSIQUE_GOLD}`, /^g\.json: line 2: duplicate id 'a'/],
  [
    'musique',
    MUSIQUE_PREDICTION,
    `${TWINS}\n${MUSIQUE_GOLD}`,
    /line 3: id 'a' has 2 answerable and 1 unanswerable/,
  ],
  [
    'musique',
    MUSIQUE_PREDICTION.replace(/,"predicted_answerable":true/, ''),
    TWINS,
    /"predicted_answerable": nothing/,
  ],
  [
    'musique',
    MUSIQUE_PREDICTION,
    MUSIQUE_GOLD.replace('"is_supporting":true', '"x":1'),
    /paragraphs\[0\]: "is_supporting"/,
  ],
  [
    'musique',
    MUSIQUE_PREDICTION,
    MUSIQUE_GOLD.replace(/,"answerable":true/, ''),
    /line 1: "answerable": nothing/,
  ],
];

function run(metric: FileMetric, predictions: string, gold: string): unknown {
  const input = { predictions: { name: 'p.json', text: predictions }, gold: { name: 'g.json', text: gold } };
  return scoreTexts(metric, input);
}

describe('bad files', () => {
  it.each(BAD)('%s: %s | %s', (metric, predictions, gold, message) => {
    let error: unknown;
    try {
      run(metric, predictions, gold);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toMatch(message);
    expect((error as InputError).message).toMatch(/; expected \S/);
  });

  it('the unchanged files are good', () => {
    run('hotpotqa', HOTPOT_PREDICTION, HOTPOT_GOLD);
    run('2wikimultihopqa', HOTPOT_PREDICTION, WIKI_GOLD);
    run('squad-v1.1', '{"a":"x"}', SQUAD_GOLD);
    run('musique', MUSIQUE_PREDICTION, MUSIQUE_GOLD);
    run('musique', `${MUSIQUE_PREDICTION}\n${MUSIQUE_PREDICTION}`, TWINS);
  });

  it('MuSiQue support has to be in all lines or in none', () => {
    const bare = MUSIQUE_PREDICTION.replace('"predicted_support_idxs":[0],', '').replace('"a"', '"b"');
    const gold = `${MUSIQUE_GOLD}\n${MUSIQUE_GOLD.replace('"a"', '"b"')}`;
    expect(() => run('musique', `${MUSIQUE_PREDICTION}\n${bare}`, gold)).toThrow(
      /line 2: "predicted_support_idxs" is absent/,
    );
  });

  it('aliases are for 2wikimultihopqa, and read strictly', () => {
    const input = (aliases: string) => ({
      predictions: { name: 'p.json', text: HOTPOT_PREDICTION },
      gold: { name: 'g.json', text: WIKI_GOLD },
      aliases: { name: 'a.json', text: aliases },
    });
    expect(() => scoreTexts('hotpotqa', input('{}'))).toThrow(/aliases: 'a.json' given for hotpotqa/);
    expect(() => scoreTexts('2wikimultihopqa', input('{"Q_id":"Q1","aliases":[]}'))).toThrow(
      /line 1: "demonyms": nothing/,
    );
  });
});

describe('parseJson', () => {
  const offsetOf = (text: string): string => {
    try {
      return String(parseJson({ name: 'f', text }, 'x', true));
    } catch (error) {
      return (error as Error).message;
    }
  };
  it.each([
    ['nul', 'line 1, column 1'],
    ['{"a" 1}', 'line 1, column 6'],
    ['[01]', 'line 1, column 3'],
    ['["\n"]', 'line 1, column 2'],
    ['[1,\n 2\n', 'line 3, column 1'],
    ['{} x', 'line 1, column 4'],
    ['[1,]', 'line 1, column 4'],
    ['['.repeat(100_000), 'line 1, column 100001'],
  ])('finds an error', (text, where) => {
    expect(offsetOf(text)).toContain(`broken JSON at ${where};`);
  });

  it('sees through escapes in repeated keys, and allows equal keys of different objects', () => {
    expect(offsetOf('{"a":[{"a":1}],\n"\\u0061":2}')).toMatch(/duplicate key "\\u0061" at line 2, column 1;/);
    expect(parseJson({ name: 'f', text: '{"a":{"a":[{"a":1},{"a":1}]}}' }, 'x', true)).toBeTypeOf('object');
  });
});
