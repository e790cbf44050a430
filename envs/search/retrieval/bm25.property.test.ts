import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBm25 } from './bm25.ts';
import type { Passage } from './retriever.ts';
import { selectTop } from './top.ts';

/** BM25 from its definition, one passage after the other. */
function naive(
  passages: readonly Passage[],
  query: string,
  k1: number,
  b: number,
): readonly [string, number][] {
  const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
  const bags = passages.map(({ title, text }) => words(`${title} ${text}`));
  const mean = bags.flat().length / bags.length;
  return passages
    .map(({ id }, index): [string, number] => {
      const bag = bags[index]!;
      let score = 0;
      for (const word of words(query)) {
        const tf = bag.filter((other) => other === word).length;
        const n = bags.filter((other) => other.includes(word)).length;
        const idf = Math.log(1 + (passages.length - n + 0.5) / (n + 0.5));
        if (tf > 0) score += (idf * tf) / (tf + k1 * (1 - b + (b * bag.length) / mean));
      }
      return [id, score];
    })
    .filter(([, score]) => score > 0);
}

const say = (maxLength: number) =>
  fc
    .array(fc.constantFrom('ba', 'ri', 'ton', 'ver', 'mi', 'é', 'x1'), { maxLength })
    .map((all) => all.join(' '));
const corpora = fc
  .array(fc.record({ title: say(2), text: say(9) }), { minLength: 1, maxLength: 25 })
  .map((all) => all.map((passage, index): Passage => ({ id: `p${index}`, ...passage })));

describe('createBm25', () => {
  it('agrees with the definition on any corpus', () => {
    fc.assert(
      fc.property(
        corpora,
        fc.array(say(5), { maxLength: 4 }),
        fc.integer({ min: 1, max: 30 }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (passages, queries, topK, k1, b) => {
          const analyzer = { foldAccents: false, stopWords: 'none' } as const;
          const found = createBm25({ passages, k1, b, analyzer }).search(queries, topK);
          expect(found).toHaveLength(queries.length);
          for (const [index, query] of queries.entries()) {
            const expected = new Map(naive(passages, query, k1, b));
            const hits = found[index]!;
            expect(hits).toHaveLength(Math.min(topK, expected.size));
            for (const { passage, score } of hits) expect(score).toBeCloseTo(expected.get(passage.id)!, 9);
            const scores = hits.map(({ score }) => score);
            expect(scores).toEqual(scores.toSorted((left, right) => right - left));
            // Whatever was left out is no better than the last that came.
            const kept = new Set(hits.map(({ passage }) => passage.id));
            for (const [id, score] of expected) {
              if (!kept.has(id)) expect(score).toBeLessThanOrEqual(scores.at(-1)! + 1e-9);
            }
          }
        },
      ),
    );
  });

  it('gives equal passages equal scores, in the order of the corpus', () => {
    fc.assert(
      fc.property(corpora, say(5), (passages, query) => {
        const twice = [
          ...passages,
          ...passages.map((passage) => ({ ...passage, id: `again ${passage.id}` })),
        ];
        const [hits] = createBm25({ passages: twice }).search([query], twice.length);
        const place = new Map(twice.map(({ id }, index) => [id, index]));
        for (const [rank, { passage, score }] of hits!.entries()) {
          const next = hits![rank + 1];
          if (next?.score === score)
            expect(place.get(next.passage.id)!).toBeGreaterThan(place.get(passage.id)!);
        }
        const scores = new Map(hits!.map((hit) => [hit.passage.id, hit.score]));
        for (const { id } of passages) expect(scores.get(id)).toBe(scores.get(`again ${id}`));
      }),
    );
  });

  it('does not depend on the order of words, not even in the last bit', () => {
    fc.assert(
      fc.property(corpora, say(7), (passages, query) => {
        const [hits, reversed] = createBm25({ passages }).search(
          [query, query.split(' ').toReversed().join(' ')],
          passages.length,
        );
        expect(reversed).toEqual(hits);
      }),
    );
  });

  it('returns the first hits of a longer list', () => {
    fc.assert(
      fc.property(corpora, say(5), fc.integer({ min: 1, max: 10 }), (passages, query, topK) => {
        const retriever = createBm25({ passages });
        expect(retriever.search([query], topK)[0]).toEqual(retriever.search([query], 99)[0]!.slice(0, topK));
      }),
    );
  });

  it('takes any text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 8 }),
        fc.string({ unit: 'binary' }),
        (texts, query) => {
          const passages = texts.map((text, index) => ({ id: `${index}`, title: text, text: query }));
          const [hits] = createBm25({ passages }).search([query], 8);
          for (const { score } of hits!) expect(score).toBeGreaterThan(0);
          // All passages hold the query's words, if it has any.
          expect([0, passages.length]).toContain(hits!.length);
        },
      ),
    );
  });
});

describe('selectTop', () => {
  it('is a sort that is cut off', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 70 }),
        fc.func(fc.boolean()),
        (values, limit, chosen) => {
          const scores = Float64Array.from(values);
          const candidates = Uint32Array.from(values.keys()).filter((index) => chosen(index));
          const sorted = [...candidates].sort(
            (left, right) => values[right]! - values[left]! || left - right,
          );
          expect([...selectTop(candidates.toReversed(), scores, limit)]).toEqual(sorted.slice(0, limit));
        },
      ),
    );
  });
});
