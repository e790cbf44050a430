import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InputError } from '../../../core/errors.ts';
import { createRandom } from '../../../core/random.ts';
import { type Bm25Options, createBm25 } from './bm25.ts';
import golden from './golden/bm25s.json' with { type: 'json' };
import type { Passage } from './retriever.ts';

const passages: readonly Passage[] = [
  { id: 'x', title: 'Paramaribo', text: 'The capital of Suriname.' },
  { id: 'c', title: 'Suriname', text: 'Suriname borders Guyana.' },
  { id: 'a', title: 'Georgetown', text: 'The capital of Guyana.' },
  { id: 'b', title: 'Silence', text: '…' },
];
const ids = (options: Omit<Bm25Options, 'passages'>, query: string, topK = 10): readonly string[] =>
  createBm25({ passages, ...options })
    .search([query], topK)[0]!
    .map(({ passage }) => passage.id);

describe('createBm25', () => {
  it('follows the formula', () => {
    // 'suriname': in 2 of 4 passages, once and twice; lengths 3, 4, 3, 1 without stop words.
    const idf = Math.log(1 + 2.5 / 2.5);
    const norm = (length: number): number => 0.9 * (0.6 + (0.4 * length) / (11 / 4));
    const [hits] = createBm25({ passages }).search(['suriname'], 3);
    expect(hits!.map(({ passage }) => passage)).toEqual([passages[1], passages[0]]);
    expect(hits![0]!.score).toBeCloseTo((idf * 2) / (2 + norm(4)), 12);
    expect(hits![1]!.score).toBeCloseTo(idf / (1 + norm(3)), 12);
  });

  it('breaks ties by the order of the corpus, not by id', () => {
    expect(ids({}, 'capital')).toEqual(['x', 'a']);
    expect(ids({}, 'capital', 1)).toEqual(['x']);
  });

  it('returns no passage without a term of the query, and cuts at topK', () => {
    expect(ids({}, 'nowhere')).toEqual([]);
    expect(ids({}, '')).toEqual([]);
    expect(ids({}, 'the of')).toEqual([]);
    expect(ids({ analyzer: { stopWords: 'none' } }, 'the of')).toEqual(['x', 'a']);
    expect(ids({}, 'guyana suriname capital', 2)).toHaveLength(2);
  });

  it('indexes titles with texts', () => {
    expect(ids({}, 'georgetown')).toEqual(['a']);
    // A title's last word and a text's first are two words.
    expect(ids({}, 'suriname borders')[0]).toBe('c');
  });

  it('counts a repeated term of the query as often, whatever the order of words', () => {
    const retriever = createBm25({ passages });
    const [once, twice] = retriever.search(['guyana capital', 'capital guyana capital'], 1);
    const [capital] = retriever.search(['capital'], 1);
    expect(twice![0]!.passage.id).toBe('a');
    expect(twice![0]!.score).toBeCloseTo(once![0]!.score + capital![0]!.score, 12);
    expect(retriever.search(['capital guyana'], 3)).toEqual(retriever.search(['guyana capital'], 3));
  });

  it('answers a query alike whatever was asked before', () => {
    const retriever = createBm25({ passages });
    const queries = ['suriname capital', 'guyana', 'suriname capital', '', 'borders'];
    const together = retriever.search(queries, 3);
    expect(together).toEqual(queries.map((query) => retriever.search([query], 3)[0]));
    expect(together[2]).toEqual(together[0]);
  });

  it('takes many terms and long passages', () => {
    const words = Array.from({ length: 5000 }, (_, index) => `w${index}`);
    const corpus = [words.slice(0, 3000), words.slice(2000), words.slice(4990)].map((some, index) => ({
      id: `${index}`,
      title: '',
      text: some.join(' '),
    }));
    const found = createBm25({ passages: corpus }).search(words, 3);
    const expected = (index: number): readonly string[] => {
      if (index < 2000) return ['0'];
      if (index < 3000) return ['0', '1']; // equally long
      return index < 4990 ? ['1'] : ['2', '1'];
    };
    expect(found.map((hits) => hits.map(({ passage }) => passage.id))).toEqual(
      words.map((_, index) => expected(index)),
    );
  });

  it('takes a corpus without any term', () => {
    expect(createBm25({ passages: [passages[3]!], analyzer: {} }).search(['…'], 1)).toEqual([[]]);
  });

  it('accepts the ends of the ranges', () => {
    for (const [k1, b] of [
      [0, 0],
      [0, 1],
      [1000, 1],
    ] as const) {
      expect(ids({ k1, b }, 'guyana')).toHaveLength(2);
    }
  });

  it.each<[string, Partial<Bm25Options>, RegExp]>([
    ['an empty corpus', { passages: [] }, /corpus is empty/],
    [
      'an id twice',
      { passages: [...passages, { ...passages[1]!, text: 'x' }] },
      /passages 2 and 5 .* same id "c"/,
    ],
    ['k1 below 0', { k1: -0.1 }, /k1 must be from 0 to 1000, got -0.1/],
    ['k1 without end', { k1: Number.POSITIVE_INFINITY }, /k1 .* got Infinity/],
    ['b above 1', { b: 1.1 }, /b must be from 0 to 1, got 1.1/],
    ['b that is no number', { b: Number.NaN }, /b must be from 0 to 1, got NaN/],
  ])('rejects %s', (_name, options, message) => {
    expect(() => createBm25({ passages, ...options })).toThrow(InputError);
    expect(() => createBm25({ passages, ...options })).toThrow(message);
  });

  it.each([0, -1, 1.5, Number.NaN])('rejects topK %j', (topK) => {
    expect(() => createBm25({ passages }).search(['x'], topK)).toThrow(
      /topK must be an integer of at least 1/,
    );
  });

  it('stops when the signal is aborted', () => {
    const reason = new Error('enough');
    expect(() => createBm25({ passages }).search(['x'], 1, AbortSignal.abort(reason))).toThrow(reason);
  });

  it('has a fingerprint of everything that decides the results', () => {
    const hash = (options: Partial<Bm25Options>): string => createBm25({ passages, ...options }).fingerprint;
    const first = passages[0]!;
    const hashes = [
      {},
      { k1: 1 },
      { b: 1 },
      { analyzer: { stopWords: 'none' } as const },
      { analyzer: { foldAccents: false } },
      { passages: passages.toReversed() },
      { passages: [{ ...first, id: 'y' }, ...passages.slice(1)] },
      { passages: [{ ...first, title: 'y' }, ...passages.slice(1)] },
      { passages: [{ ...first, text: 'y' }, ...passages.slice(1)] },
      { passages: [{ ...first, title: '', text: first.title + first.text }, ...passages.slice(1)] },
    ].map(hash);
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(hash({ k1: 0.9, b: 0.4, analyzer: { stopWords: 'english', foldAccents: true } })).toBe(hashes[0]);
  });

  it('describes itself', () => {
    expect(createBm25({ passages }).description).toBe('bm25 (k1 0.9, b 0.4), 4 passages');
  });
});

describe(`scores of bm25s ${golden.bm25s} (scripts/golden/bm25.py)`, () => {
  const corpus = golden.passages.map((passage, index) => ({ id: `${index}`, ...passage }));
  it.each(golden.parameters)('k1 $k1, b $b', ({ k1, b, scores }) => {
    const found = createBm25({ passages: corpus, k1, b, analyzer: { stopWords: 'none' } }).search(
      golden.queries,
      corpus.length,
    );
    for (const [query, expected] of scores.entries()) {
      const hits = found[query]!.map(({ passage, score }) => [Number(passage.id), score] as const);
      expect(hits).toHaveLength(expected.filter((score) => score > 0).length);
      // bm25s adds up in float32.
      for (const [index, score] of hits) expect(Math.abs(score - expected[index]!)).toBeLessThan(1e-5);
      for (const [rank, [index]] of hits.entries()) {
        const next = hits[rank + 1];
        if (next !== undefined) expect(expected[index]! + 1e-5).toBeGreaterThan(expected[next[0]]!);
      }
    }
  });
});

const DATA = '../shared/data/hotpotqa';
const absent = !existsSync(DATA);

describe.skipIf(absent)('100 questions of HotpotQA', () => {
  const read = <Value>(file: string, schema: z.ZodType<Value>): Value =>
    schema.parse(JSON.parse(readFileSync(`${DATA}/${file}`, 'utf8')));

  // The data's README says about 42 %, not at which k1 and b.
  it.each([
    [0.9, 0.4, 38],
    [1.2, 0.75, 42],
  ])('k1 %d, b %d: all gold passages in the top 3 of %d', (k1, b, all) => {
    const corpus = read('corpus.json', z.record(z.string(), z.array(z.string())));
    const gold = z.object({
      question: z.string(),
      supporting_facts: z.array(z.tuple([z.string(), z.number()])),
    });
    const questions = read('questions.json', z.array(gold));
    const hits = createBm25({
      passages: Object.entries(corpus).map(([title, text]) => ({ id: title, title, text: text.join('') })),
      k1,
      b,
    }).search(
      questions.map(({ question }) => question),
      3,
    );
    const covered = questions.filter(({ supporting_facts }, index) => {
      const found = new Set(hits[index]!.map(({ passage }) => passage.title));
      return supporting_facts.every(([title]) => found.has(title));
    });
    expect(covered).toHaveLength(all);
  });
});

it('holds 150,000 passages and finds each by its own words', () => {
  const count = 150_000;
  const random = createRandom(11);
  const words = Array.from({ length: 5000 }, (_, index) => `w${index}`);
  const passages = Array.from({ length: count }, (_, index) => ({
    id: `p${index}`,
    title: `name${index}`,
    text: Array.from({ length: 12 }, () => words[random.integer(words.length)]!).join(' '),
  }));
  const index = createBm25({ passages });
  const asked = Array.from({ length: 50 }, () => random.integer(count));
  const found = index.search(
    asked.map((at) => `${passages[at]!.text.split(' ').slice(0, 4).join(' ')} name${at}`),
    3,
  );
  expect(found.map(([first]) => first!.passage.id)).toEqual(asked.map((at) => `p${at}`));
  expect(found.every((hits) => hits.length === 3)).toBe(true);
});
