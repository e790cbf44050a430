import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { wilson } from './coverage.ts';
import { fixture, temporaryFiles } from './files.test-helper.ts';
import { inspect } from './inspect.ts';

const file = temporaryFiles();

describe('inspect', () => {
  it('counts what a file holds', async () => {
    const found = await inspect(fixture('musique.jsonl'));
    expect(found).toMatchObject({
      format: 'musique',
      questions: 3,
      passages: 4,
      kinds: { '2hop': 2, '3hop1': 1 },
      hops: { 2: 2, 3: 1 },
      answerable: 2,
      unanswerable: 1,
      withoutAnswer: 0,
      yesNo: 0,
      answers: { least: 1, mean: 4 / 3, most: 2 },
      missing: { question_decomposition: 1 },
      duplicateIds: 0,
    });
    expect(found.questionWords).toEqual({ least: 10, mean: 10, most: 10 });
  });

  it('counts yes and no, and gold titles without a paragraph', async () => {
    const found = await inspect(fixture('hotpotqa.json'));
    expect(found).toMatchObject({ yesNo: 1, goldTitlesWithoutParagraph: 1, passages: 4 });
  });

  it('counts ids that come twice', async () => {
    const line = '{"idx": 1, "question": "q", "answer": "x"}\n';
    const found = await inspect(file('twice.jsonl', line.repeat(3)));
    expect(found).toMatchObject({ questions: 3, duplicateIds: 2, coverage: null });
  });

  it('says who is covered: all gold passages, in the top K', async () => {
    const question = (id: string, text: string, gold: string[]) => ({
      ...{ id, question: text, answer: 'x', answer_aliases: [], answerable: true },
      paragraphs: ['apple', 'pear', 'plum', 'cherry'].map((fruit) => ({
        ...{ title: fruit, paragraph_text: `${fruit} tree` },
        is_supporting: gold.includes(fruit),
      })),
    });
    const path = file(
      'fruit.json',
      JSON.stringify([
        question('a', 'apple pear', ['apple', 'pear']),
        question('b', 'apple pear', ['apple', 'plum']),
        question('c', 'cherry', ['cherry']),
        question('d', 'cherry', []),
      ]),
    );
    expect((await inspect(path, { topK: 2 })).coverage).toMatchObject({
      ...{ topK: 2, questions: 3, covered: 2, share: 2 / 3, goldNotInCorpus: 0 },
      interval: wilson(2, 3),
      retriever: expect.stringMatching(/bm25.* 4 passages/),
    });
    expect((await inspect(path, { topK: 1 })).coverage).toMatchObject({ covered: 1 });
    const corpus = file('some.json', '{"apple": ["apple tree"], "pear": ["pear tree"]}');
    expect((await inspect(path, { topK: 2, corpus })).coverage).toMatchObject({
      ...{ questions: 3, covered: 1, goldNotInCorpus: 2 },
    });
  });

  it('leaves unanswerable questions out of the coverage, and counts lost gold titles as not found', async () => {
    expect((await inspect(fixture('musique.jsonl'))).coverage).toMatchObject({ questions: 2 });
    expect((await inspect(fixture('hotpotqa.json'), { topK: 1000 })).coverage).toMatchObject({
      ...{ questions: 2, goldNotInCorpus: 1 },
    });
  });

  it.each([0, 1.5, 1001, Number.NaN])('refuses topK %d', async (topK) => {
    await expect(inspect(fixture('musique.jsonl'), { topK })).rejects.toThrow(
      /topK: .*; valid: a whole number, 1 to 1000/,
    );
  });
});

describe('wilson', () => {
  it.each([
    // Where |share - p| = z sqrt(p (1 - p) / n), found by bisection.
    [42, 100, 0.3279838, 0.5179351],
    [0, 10, 0, 0.2775328],
    [10, 10, 0.7224672, 1],
  ])('of %d in %d', (count, total, low, high) => {
    const interval = wilson(count, total);
    expect(interval[0]).toBeCloseTo(low, 6);
    expect(interval[1]).toBeCloseTo(high, 6);
  });
});

const SHARED = join(import.meta.dirname, '../../../shared/data');

describe.skipIf(!existsSync(SHARED))('real files (skipped where ../shared/data is absent)', () => {
  it('HotpotQA', async () => {
    const found = await inspect(join(SHARED, 'hotpotqa/questions.json'));
    expect(found).toMatchObject({
      ...{ format: 'hotpotqa', questions: 100, passages: 994, hops: { 2: 100 }, missing: {} },
      ...{ kinds: { bridge: 78, comparison: 22 }, goldTitlesWithoutParagraph: 0, duplicateIds: 0 },
    });
    // About 42 %, within what 100 questions can tell.
    expect(found.coverage!.interval[0]).toBeLessThan(0.42);
    expect(found.coverage!.interval[1]).toBeGreaterThan(0.42);
  });

  it('MuSiQue', async () => {
    const found = await inspect(join(SHARED, 'musique/questions.json'));
    expect(found).toMatchObject({
      questions: 100,
      passages: 1890,
      hops: { 2: 68, 3: 27, 4: 5 },
      unanswerable: 0,
    });
    expect(found.coverage).toMatchObject({ covered: 9, questions: 100 });
  });

  it.each([
    ['hotpotqa', 994],
    ['musique', 1890],
  ])('%s over its corpus file gives what its own paragraphs give', async (name, passages) => {
    const questions = join(SHARED, name, 'questions.json');
    const own = await inspect(questions);
    const over = await inspect(questions, { corpus: join(SHARED, name, 'corpus.json') });
    expect(over.coverage!.goldNotInCorpus).toBe(0);
    expect(over.coverage!.retriever).toContain(`${passages} passages`);
    expect(over.coverage!.covered).toBe(own.coverage!.covered);
  });

  it('Bamboogle and DeepResearcher', async () => {
    expect(await inspect(join(SHARED, 'bamboogle/questions.jsonl'))).toMatchObject({
      ...{ format: 'bamboogle', questions: 125, coverage: null, withoutAnswer: 0 },
    });
    const sources = ['2wiki', 'Bamboogle', 'hotpotqa', 'musique', 'nq', 'popqa', 'tq'];
    expect(await inspect(join(SHARED, 'deepresearcher/dev.parquet'))).toMatchObject({
      ...{ format: 'search-r1', questions: 875, duplicateIds: 0, withoutAnswer: 0 },
      kinds: Object.fromEntries(sources.map((source) => [source, 125])),
      missing: expect.toSatisfy((missing) => Object.keys(missing as object).join() === 'metadata'),
    });
  });
});
