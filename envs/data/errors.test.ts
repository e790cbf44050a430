import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { MAX_RECORD_BYTES } from './files/bytes.ts';
import { fixture, load, temporaryFiles } from './files.test-helper.ts';

const file = temporaryFiles();
const CONTEXT = '"context": [["T", ["s"]]]';

async function messageOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
}

describe('files that cannot be read', () => {
  it('names a missing file, a folder, an extension, an empty and a blank file', async () => {
    expect(await messageOf(load('nowhere.json'))).toBe('nowhere.json: no such file');
    const folder = file('folder-marker.txt', '').replace('folder-marker.txt', 'folder.json');
    mkdirSync(folder);
    expect(await messageOf(load(folder))).toMatch(/folder\.json: a folder; valid: a file$/);
    expect(await messageOf(load(file('q.txt', 'x')))).toMatch(
      /q\.txt: unknown extension '\.txt'; valid: \.json, \.jsonl, \.ndjson, \.csv, \.parquet$/,
    );
    expect(await messageOf(load(file('plain', 'x')))).toMatch(/plain: no extension; valid: \.json/);
    expect(await messageOf(load(file('empty.json', '')))).toMatch(/empty\.json: the file is empty$/);
    expect(await messageOf(load(file('blank.json', ' \n')))).toMatch(/blank\.json: the file is blank$/);
    expect(await messageOf(load(file('none.json', '[]')))).toMatch(/none\.json: no record in the file$/);
    expect(await messageOf(load('a\0b.json'))).toMatch(/not a valid path/);
  });

  it('names the line of invalid UTF-8', async () => {
    const bytes = Buffer.from('{"question": "a", "answer": "b"}\n{"question": "?", "answer": "b"}\n');
    bytes[bytes.indexOf('?')] = 0xff;
    expect(await messageOf(load(file('latin.jsonl', bytes)))).toMatch(/latin\.jsonl, line 2: invalid UTF-8$/);
    const cut = Buffer.concat([Buffer.from('Question,Answer\na,'), Buffer.from('€').subarray(0, 2)]);
    expect(await messageOf(load(file('cut.csv', cut)))).toMatch(/cut\.csv, line 2: invalid UTF-8$/);
  });
});

describe('broken JSON', () => {
  it.each([
    [
      '{"question": "a", "answer": "b"}\n{"question": "ä" "answer": "b"}',
      'x.jsonl, line 2: broken JSON at column 18',
    ],
    ['{"question": "a", "answer": "b"}\n{"question": "a", ', 'x.jsonl, line 2: broken JSON at column 19'],
    [
      '[{"question": "a", "answer": "b"},\n {"question": "ä", oops}]',
      'x.jsonl: broken JSON at line 2, column 20',
    ],
    ['[{"question": "a", "answer": "b"}\n {"question": "a"}]', 'x.jsonl: broken JSON at line 2, column 2'],
    ['[{"question": "a", "answer": "b"}] x', 'x.jsonl: broken JSON at line 1, column 36'],
    [
      '[{"question": "a", "answer": "b"},\n{"question"',
      'x.jsonl: broken JSON: the file ends at line 2 in record 2',
    ],
  ])('%j', async (content, expected) => {
    expect(await messageOf(load(file('x.jsonl', content)))).toContain(expected);
  });

  it('refuses values that are too deep or too long, without reading on', async () => {
    const deep = file('deep.json', `[{"question": ${'['.repeat(5000)}`);
    expect(await messageOf(load(deep))).toMatch(
      /deep\.json, record 1 \(line 1\): more than 100 levels deep$/,
    );
    const filler = Buffer.alloc(MAX_RECORD_BYTES + 2 ** 19, 'x');
    const long = Buffer.concat([Buffer.from('[{"question": "'), filler]);
    expect(await messageOf(load(file('long.json', long)))).toMatch(/record 1: longer than 16 MiB$/);
    expect(await messageOf(load(file('long.jsonl', long.subarray(1))))).toMatch(
      /line 1: longer than 16 MiB$/,
    );
    const row = Buffer.concat([Buffer.from('Question,Answer\n"'), filler]);
    expect(await messageOf(load(file('long.csv', row)))).toMatch(/broken CSV: Max Record Size/);
  });
});

describe('files of another kind', () => {
  const half = JSON.stringify('x'.repeat(0.6 * MAX_RECORD_BYTES));
  const LONG_LINE = `{"T": [${half}], "U": [${half}]}`;
  const ASK = 'is this a corpus? then --corpus';

  it.each([
    ['a record over several lines', JSON.stringify({ question: 'a', answer: 'b' }, null, 2)],
    ['an object of titles over several lines', JSON.stringify({ T: ['s', ' t'], U: ['u'] }, null, 4)],
    ['the same in a .jsonl file', JSON.stringify({ T: ['s'] }, null, 1), 'one.jsonl'],
    ['a corpus of one line longer than a record may be', LONG_LINE],
  ])('says that it is one object: %s', async (_, content, name = 'one.json') => {
    const message = await messageOf(load(file(name, content)));
    expect(message).toContain(
      `${name}: one JSON object; expected an array of questions, or one record a line; ${ASK}`,
    );
  });

  it.each([
    ['fixtures of corpora', undefined],
    ['titles and sentences in one line', '{"T": ["s", " t"], "U": ["u"]}'],
    ['passages with contents', '{"id": "1", "contents": "T\\ns"}'],
    ['passages', '[{"title": "T", "text": "s"}]'],
  ])('asks whether it is a corpus: %s', async (_, content) => {
    const paths =
      content === undefined
        ? ['corpus.jsonl', 'corpus-list.json'].map(fixture)
        : [file('corpus.json', content)];
    for (const path of paths) expect(await messageOf(load(path))).toContain(ASK);
  });

  it('does not take a broken first line for an object, nor other lines for a corpus', async () => {
    const cut = '{"question": "a",\n{"question": "b", "answer": "c"}\n';
    expect(await messageOf(load(file('cut.json', cut)))).toMatch(/line 1: broken JSON at column 18$/);
    const unknown = await messageOf(load(file('unknown.json', '{"name": "x", "list": []}')));
    expect(unknown).not.toContain('corpus');
  });
});

describe('records that are wrong', () => {
  it.each([
    ['{"_id": "a", "answer": "x", CONTEXT}', 'hotpotqa', 'line 1: question: nothing where a string belongs'],
    ['{"_id": "a", "question": " ", "answer": "x", CONTEXT}', 'hotpotqa', 'line 1: question: blank text'],
    ['{"_id": "a", "question": 3, "answer": "x", CONTEXT}', 'hotpotqa', 'question: 3 where a string belongs'],
    ['{"question": "q", "answer": "x", CONTEXT}', 'hotpotqa', 'line 1: id: nothing where a string belongs'],
    [
      '{"_id": "a", "question": "q", "answer": ["x"], CONTEXT}',
      'hotpotqa',
      'answer: a list where a string belongs',
    ],
    [
      '{"_id": "a", "question": "q", "answer": "x"}',
      'hotpotqa',
      'line 1: context: nothing; expected HotpotQA',
    ],
    [
      '{"_id": "a", "question": "q", "answer": "x", "context": [["T", [1]]]}',
      'hotpotqa',
      'context[0][1][0]: 1 where',
    ],
    [
      '{"_id": "a", "question": "q", "answer": "x", "context": "[x"}',
      'hotpotqa',
      'context: text that is no JSON',
    ],
    [
      '{"_id": "a", "question": "q", "answer": "x", "context": {"title": ["T"], "sentences": []}}',
      'hotpotqa',
      'context: 1 titles but 0 texts',
    ],
    [
      '{"id": "a", "question": "q", "answer": "x", "paragraphs": [{"title": "T"}]}',
      'musique',
      'paragraphs[0].paragraph_text: nothing',
    ],
    [
      '{"id": "a", "question": "q", "paragraphs": [], "answerable": "yes"}',
      'musique',
      'answerable: "yes" where true or false',
    ],
    [
      '{"id": "a", "question": "q", "golden_answers": [1]}',
      'flashrag',
      'golden_answers[0]: 1 where a string belongs',
    ],
    [
      '{"id": "a", "question": "q", "golden_answers": ["x"], "metadata": 1}',
      'flashrag',
      'metadata: 1 where an object',
    ],
    ['[1]', undefined, 'record 1 (line 1): 1 where an object belongs'],
    [
      '{"name": "a", "b\\u001bc": 1}',
      undefined,
      'of no known format (fields: "name", "bc"); valid: 2wikimultihopqa, bamboogle',
    ],
  ] as const)('%s', async (content, format, expected) => {
    const path = file('wrong.jsonl', content.replace('CONTEXT', CONTEXT));
    expect(await messageOf(load(path, format === undefined ? {} : { format }))).toContain(expected);
  });

  it('refuses CSV rows with too many cells, and a wrong header', async () => {
    const cells = file('cells.csv', 'Question,Answer\na,b\na,b,c\n');
    expect(await messageOf(load(cells))).toMatch(/broken CSV: Invalid Record Length.* line 3/);
    expect(await messageOf(load(file('head.csv', 'Frage,Antwort\na,b\n')))).toMatch(
      /of no known format \(fields: "Frage", "Antwort"\).*; a CSV file needs the columns Question and Answer$/,
    );
  });

  it('asks for both columns of a CSV file, once each', async () => {
    for (const name of ['Question', 'Answer']) {
      const half = file('half.csv', `Number,${name}\n1,b\n`);
      expect(await messageOf(load(half))).toMatch(/a CSV file needs the columns Question and Answer$/);
    }
    const told = load(file('told.csv', 'Question,Reply\na,b\n'), { format: 'bamboogle' });
    expect(await messageOf(told)).toMatch(/told\.csv, line 2: Answer: no such field; expected Bamboogle/);
    expect(await messageOf(load(file('two.csv', 'Question,Answer,Answer \na,b,c\n')))).toMatch(
      /two\.csv: columns 2 and 3 are both called "Answer"; valid: a name of its own/,
    );
    const [record] = await load(file('spaces.csv', ' Question , Answer\na,b\n'));
    expect(record).toMatchObject({ question: 'a', answers: ['b'] });
  });

  it('refuses a file where only some questions have an answer, whichever come first', async () => {
    const having = '{"idx": 1, "question": "q", "answer": "x"}';
    const without = '{"idx": 2, "question": "q", "answer": null}';
    const expected = 'expected one for all questions or for none';
    const first = await messageOf(load(file('a.jsonl', `${having}\n${without}`)));
    expect(first).toContain(`a.jsonl, line 2: no answer, though line 1 has one; ${expected}`);
    const last = await messageOf(load(file('b.jsonl', `${without}\n${having}`)));
    expect(last).toContain(`b.jsonl, line 1: no answer, though line 2 has one; ${expected}`);
  });

  it('does not ask for the answer of an unanswerable question', async () => {
    const question = (id: string, rest: string) =>
      `{"id": "${id}", "question": "q", "paragraphs": [], ${rest}}`;
    const path = file(
      'full.jsonl',
      `${question('a', '"answer": "x"')}\n${question('b', '"answerable": false')}`,
    );
    expect((await load(path)).map(({ answers }) => answers)).toEqual([['x'], []]);
  });

  it('refuses an id that comes twice, with both places, unless it is told to keep it', async () => {
    const line = '{"idx": 7, "question": "q", "answer": "x"}';
    const path = file('twice.jsonl', `${line}\n\n${line}\n`);
    expect(await messageOf(load(path))).toMatch(/twice\.jsonl, line 3: the id "7" is that of line 1 too$/);
    expect(await load(path, { duplicates: 'keep' })).toHaveLength(2);
  });

  it('names the format that it was told when a record is of another', async () => {
    expect(await messageOf(load(fixture('hotpotqa.json'), { format: 'musique' }))).toContain(
      'expected MuSiQue',
    );
  });
});
