import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { fuzz, fuzzAsync, mutatedBytes, mutatedJson, mutatedText } from '../../core/fuzz.test-helper.ts';
import { asFields } from '../scoring/json.ts';
import { csvRows } from './files/csv.ts';
import { jsonLines } from './files/json-lines.ts';
import { jsonMembers } from './files/json-stream.ts';
import { list, parquet, struct, text } from './files/parquet.test-helper.ts';
import { collect, fixture, load, temporaryFiles } from './files.test-helper.ts';
import { READERS } from './formats/index.ts';
import { openCorpus } from './open-corpus.ts';
import { QUESTION_FORMATS, type QuestionFormat } from './record.ts';

const file = temporaryFiles();
const bytesOf = (name: string) => readFileSync(fixture(name));
const lines = (name: string): readonly unknown[] =>
  bytesOf(name)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
const whole = (name: string) => JSON.parse(bytesOf(name).toString()) as readonly unknown[];

const RECORDS: Readonly<Record<QuestionFormat, readonly unknown[]>> = {
  hotpotqa: [...whole('hotpotqa.json'), ...lines('hotpotqa-hub.jsonl')],
  '2wikimultihopqa': [...whole('2wikimultihopqa.json'), ...lines('2wikimultihopqa-text.jsonl')],
  musique: lines('musique.jsonl'),
  bamboogle: lines('bamboogle.jsonl'),
  flashrag: ['hotpotqa', '2wikimultihopqa', 'musique', 'popqa', 'triviaqa'].flatMap((name) =>
    lines(`flashrag-${name}.jsonl`),
  ),
  'search-r1': [
    {
      data_source: 'nq',
      prompt: [{ role: 'user', content: 'Answer. Question: who?' }],
      reward_model: { ground_truth: { target: ['x', 'y'] } },
      extra_info: { split: 'train', index: 3 },
      metadata: null,
    },
    {
      id: 'a',
      question: 'q',
      reward_model: { ground_truth: 'x<|answer_split|>y' },
      extra_info: { answer: ['z'] },
    },
  ],
};

describe('any record is a question or refused', () => {
  it.each(QUESTION_FORMATS)('of %s', (format) => {
    const reader = READERS[format];
    fuzz(mutatedJson(RECORDS[format]), (value) => {
      reader.read(asFields(value, 'x', reader.expected), { where: 'x', expected: reader.expected }, 0);
    });
  });
});

describe('any bytes are records or refused', () => {
  it('in lines of JSON', async () => {
    await fuzzAsync(mutatedBytes([bytesOf('musique.jsonl'), bytesOf('bamboogle.jsonl')]), (bytes) =>
      collect(jsonLines(file('a.jsonl', bytes))),
    );
  });

  it('in a JSON array or object', async () => {
    const valid = ['hotpotqa.json', 'corpus-list.json', 'corpus-titles.json'].map(bytesOf);
    await fuzzAsync(mutatedBytes(valid), (bytes) => collect(jsonMembers(file('a.json', bytes))));
  });

  it('in CSV', async () => {
    await fuzzAsync(mutatedBytes([bytesOf('bamboogle.csv'), 'Question,Answer\n"a\n""b""",c\n']), (bytes) =>
      collect(csvRows(file('a.csv', bytes))),
    );
  });

  it('in a corpus', async () => {
    const valid = ['corpus.jsonl', 'corpus-list.json', 'corpus-titles.json'].map(bytesOf);
    const inputs = fc.tuple(mutatedBytes(valid), fc.constantFrom('.json', '.jsonl'));
    await fuzzAsync(inputs, async ([bytes, ending]) => collect(await openCorpus(file(`c${ending}`, bytes))));
  });

  it('in Parquet', async () => {
    const columns = [
      ...[text('id'), text('question'), text('data_source')],
      struct('reward_model', struct('ground_truth', list('target', text('element')))),
    ];
    const row = {
      id: 'a',
      question: 'q',
      data_source: 'nq',
      reward_model: { ground_truth: { target: ['x', 'y'] } },
    };
    const rows = Array.from({ length: 20 }, (_, i) => ({ ...row, id: `a${i}` }));
    const inputs = mutatedBytes([parquet(columns, [row]), parquet(columns, rows, 8)]);
    await fuzzAsync(inputs, (bytes) => load(file('a.parquet', bytes)));
  });

  it('in a whole file of questions', async () => {
    const names = ['hotpotqa.json', 'bamboogle.csv', 'flashrag-hotpotqa.jsonl'];
    const inputs = fc.tuple(
      mutatedText(names.map((name) => bytesOf(name).toString())),
      fc.constantFrom(...names),
    );
    await fuzzAsync(inputs, ([content, name]) => load(file(name, content)));
  });
});
