import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { type DatasetSource, loadDataset } from './dataset.ts';

const directory = mkdtempSync(join(tmpdir(), 'creditbench-dataset-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const LAKE = ['Lake Orn', ['Lake Orn is drained by the Ilve.', ' It is cold.']] as const;
const RIVER = ['Ilve', ['The Ilve ends in Mard.']] as const;
const OTHER = ['Mard', ['Mard has a mill.']] as const;

function hotpot(id: string, question: string, gold: readonly string[] = ['Lake Orn', 'Ilve']) {
  return {
    _id: id,
    question,
    answer: 'Mard',
    supporting_facts: gold.map((title) => [title, 0]),
    context: [LAKE, OTHER, RIVER],
    type: 'bridge',
    level: 'easy',
  };
}

function musique(id: string, answerable: boolean) {
  return {
    id,
    question: `Who? ${id}`,
    answer: 'Mard',
    answer_aliases: ['the town of Mard'],
    answerable,
    question_decomposition: [],
    paragraphs: [
      { idx: 0, title: 'Ilve', paragraph_text: 'The Ilve ends in Mard.', is_supporting: true },
      { idx: 1, title: 'Mard', paragraph_text: 'Mard has a mill.', is_supporting: false },
    ],
  };
}

const lines = (records: readonly unknown[]): string =>
  records.map((one) => `${JSON.stringify(one)}\n`).join('');

function load(source: Partial<DatasetSource> & Pick<DatasetSource, 'files'>) {
  return loadDataset({ format: undefined, corpus: 'questions', ...source });
}

describe('loadDataset', () => {
  const train = file('train.json', JSON.stringify([hotpot('a', 'One?'), hotpot('b', 'Two?', ['Mard'])]));
  const dev = file('dev.json', JSON.stringify([hotpot('c', 'Three?')]));

  it('reads the splits, and the passages of all of them', async () => {
    const { tasks, passages, metric } = await load({ files: { train, dev } });
    expect(metric).toBe('hotpotqa');
    expect(tasks.train.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(tasks.test).toEqual([]);
    expect(passages.map(({ title }) => title).sort()).toEqual(['Ilve', 'Lake Orn', 'Mard']);
    const titles = (ids: readonly string[]) => ids.map((id) => passages.find((one) => one.id === id)?.title);
    expect(titles(tasks.dev[0]!.goldPassages).sort()).toEqual(['Ilve', 'Lake Orn']);
    expect(titles(tasks.train[1]!.goldPassages)).toEqual(['Mard']);
    expect(tasks.dev[0]).toMatchObject({ question: 'Three?', answers: ['Mard'], kind: 'bridge' });
    expect(tasks.dev[0]!.hops).toBeGreaterThanOrEqual(1);
  });

  it('finds the gold passages in a corpus file, and says which are not there', async () => {
    const corpus = file(
      'corpus.json',
      JSON.stringify([
        { title: 'Mard', text: 'Mard has a mill.' },
        { title: 'Lake Orn', text: 'Lake Orn is drained by the Ilve. It is cold.' },
      ]),
    );
    const notices: string[] = [];
    const { tasks, passages } = await load({
      files: { dev },
      corpus,
      onNotice: (message) => notices.push(message),
    });
    expect(passages).toHaveLength(2);
    const { goldPassages } = tasks.dev[0]!;
    expect(goldPassages).toHaveLength(2);
    expect(goldPassages.filter((id) => passages.some((one) => one.id === id))).toHaveLength(1);
    expect(notices).toEqual([expect.stringContaining('1 gold passages')]);
  });

  it('knows no gold passages where the passages are elsewhere', async () => {
    const { tasks, passages } = await load({ files: { dev }, corpus: undefined });
    expect(passages).toEqual([]);
    expect(tasks.dev[0]!.goldPassages).toEqual([]);
  });

  it("leaves unanswerable questions out with a notice, and scores by the data set's rules", async () => {
    const notices: string[] = [];
    const path = file(
      'musique.jsonl',
      lines([musique('2hop__1_2', true), musique('2hop__3_4', false), musique('2hop__5_6', false)]),
    );
    const { tasks, metric } = await load({ files: { dev: path }, onNotice: (one) => notices.push(one) });
    expect(tasks.dev.map(({ id }) => id)).toEqual(['2hop__1_2']);
    expect(tasks.dev[0]!.answers).toEqual(['Mard', 'the town of Mard']);
    expect(metric).toBe('musique');
    expect(notices).toEqual([expect.stringMatching(/musique\.jsonl: 2 unanswerable questions/)]);
    const none = file('none.jsonl', lines([musique('2hop__1_2', false)]));
    await expect(load({ files: { dev: none } })).rejects.toThrow(
      /none\.jsonl: no question that can be answered/,
    );
  });

  it('tells splits that number their questions alike apart by the name of the split', async () => {
    const records = (ids: readonly string[], word: string) =>
      JSON.stringify(ids.map((id) => hotpot(id, `${word} ${id}?`)));
    const files = {
      train: file('rows-train.json', records(['0', '1', 'dev/0'], 'Train')),
      dev: file('rows-dev.json', records(['0', '2'], 'Dev')),
      test: file('rows-test.json', records(['0', '2', '3'], 'Test')),
    };
    const { tasks } = await load({ files });
    const ids = (list: readonly { id: string; question: string }[]) => list.map(({ id }) => id);
    expect(ids(tasks.train)).toEqual(['train/0', '1', 'dev/0']);
    // 'dev/0' is taken.
    expect(ids(tasks.dev)).toEqual(['dev/dev/0', 'dev/2']);
    expect(ids(tasks.test)).toEqual(['test/0', 'test/2', '3']);
    expect(tasks.dev.map(({ question }) => question)).toEqual(['Dev 0?', 'Dev 2?']);
  });

  it.each([
    ['a', 'One?'],
    ['z', 'One?'],
    ['z', '\uff2fNE?'],
  ])('tells of a question that is in two splits, as %s: %j', async (id, question) => {
    const again = file('again.json', JSON.stringify([hotpot('y', 'Y?'), hotpot(id, question)]));
    const notices: string[] = [];
    await load({ files: { train, dev: again }, onNotice: (message) => notices.push(message) });
    expect(notices.join()).toMatch(
      /files\.dev: 1 of 2 questions are in an earlier split too \(record 2 .*: ".*" is in files\.train, .*train\.json, record 1 /,
    );
    // All of them: the same file twice.
    const twice = load({ files: { train, dev: train } });
    await expect(twice).rejects.toThrow(InputError);
    await expect(twice).rejects.toThrow(/every question is in an earlier split too/);
  });

  it('sees through white space, and lets a file repeat its own questions', async () => {
    const spaced = file('spaced.json', JSON.stringify([hotpot('s', 'who  built\n\u00a0it?')]));
    const plain = file(
      'plain.json',
      JSON.stringify([hotpot('t', ' Who built it? '), hotpot('u', 'who built it?')]),
    );
    await expect(load({ files: { train: spaced, dev: plain } })).rejects.toThrow(
      /every question is in an earlier/,
    );
    expect((await load({ files: { dev: plain } })).tasks.dev).toHaveLength(2);
  });

  it('refuses a question without an answer', async () => {
    const {
      answer: _answer,
      supporting_facts: _facts,
      type: _type,
      level: _level,
      ...bare
    } = hotpot('t', 'T?');
    const blind = load({ files: { dev: file('blind.json', JSON.stringify([bare])) } });
    await expect(blind).rejects.toThrow(InputError);
    await expect(blind).rejects.toThrow(/blind\.json, .*'t' has no answer/);
  });

  it('asks for a corpus where the questions bring no passages', async () => {
    const bamboogle = file('bamboogle.csv', 'Question,Answer\nWho?,Mard\n');
    await expect(load({ files: { dev: bamboogle } })).rejects.toThrow(/corpus is 'questions'.*corpus file/);
    const { tasks } = await load({ files: { dev: bamboogle }, corpus: undefined });
    expect(tasks.dev).toMatchObject([{ question: 'Who?', answers: ['Mard'], hops: 0, goldPassages: [] }]);
  });

  it('passes on what is wrong with a file, and ends when it is told to', async () => {
    await expect(load({ files: { dev: join(directory, 'nowhere.json') } })).rejects.toThrow(InputError);
    await expect(load({ files: { dev }, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });
});
