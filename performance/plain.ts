import { createRandom } from '../core/random.ts';
import { createBm25 } from '../envs/search/retrieval/bm25.ts';
import type { Passage } from '../envs/search/retrieval/retriever.ts';
import type { SpeedCase } from './case.ts';
import { grownTree } from './trees.ts';

/** Credit of one tree, at the method's default options. */
function credit(algorithm: string, size: number): SpeedCase {
  return {
    id: `credit/${algorithm}-${size}`,
    title: `credit, ${algorithm}: one tree of ${size.toLocaleString('en')} nodes`,
    work: { amount: size, unit: 'nodes' },
    tensors: false,
    runs: 5,
    prepare: async ({ catalog }) => {
      const tree = grownTree(size);
      const { credit: rule, schema } = catalog.algorithm(algorithm);
      const options = schema.parse({});
      return {
        run: async () => {
          rule([tree], options, createRandom(1));
          return undefined;
        },
      };
    },
  };
}

const COMMON = 'the of and in to was is for on as by with at an be that it are this no'.split(' ');

/** English in rough outline: two words in five are among the commonest, the others follow Zipf's law from rank 20 on. */
function speaker(): (count: number) => string {
  const random = createRandom(1);
  const word = (): string => {
    if (random.uniform() < 0.4) return COMMON[Math.floor(random.uniform() ** 2 * COMMON.length)]!;
    return `w${Math.floor(20 * 10_000 ** random.uniform()).toString(36)}`;
  };
  return (count) => Array.from({ length: count }, word).join(' ');
}

/** Passages of 100 words. */
function passages(count: number): { readonly passages: readonly Passage[]; say(count: number): string } {
  const say = speaker();
  const made = Array.from({ length: count }, (_, index) => ({
    id: `p${index}`,
    title: say(3),
    text: say(100),
  }));
  return { passages: made, say };
}

const build = (count: number): SpeedCase => ({
  id: `bm25/build-${count}`,
  title: `BM25: index of ${count.toLocaleString('en')} passages of 100 words`,
  work: { amount: count, unit: 'passages' },
  tensors: false,
  runs: 3,
  prepare: async () => {
    const made = passages(count);
    return {
      run: async () => {
        createBm25({ passages: made.passages });
        return undefined;
      },
    };
  },
});

const search = (count: number): SpeedCase => ({
  id: `bm25/search-${count}`,
  title: `BM25: 100 queries of 12 words, ${count.toLocaleString('en')} passages`,
  work: { amount: 100, unit: 'queries' },
  tensors: false,
  runs: 10,
  prepare: async () => {
    const made = passages(count);
    const retriever = createBm25({ passages: made.passages });
    const queries = Array.from({ length: 100 }, () => made.say(12));
    return {
      run: async () => {
        await retriever.search(queries, 3);
        return undefined;
      },
    };
  },
});

/** What runs without tensors: credit of large trees, retrieval. */
export const PLAIN_CASES: readonly SpeedCase[] = [
  credit('carl', 10_000),
  credit('carl', 100_000),
  credit('carl', 1_000_000),
  credit('grpo', 1_000_000),
  build(10_000),
  build(50_000),
  search(10_000),
  search(50_000),
];
