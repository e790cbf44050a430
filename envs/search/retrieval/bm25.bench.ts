import { bench, describe } from 'vitest';
import { createRandom } from '../../../core/random.ts';
import { createBm25 } from './bm25.ts';
import type { Passage } from './retriever.ts';

const random = createRandom(1);
const COMMON = 'the of and in to was is for on as by with at an be that it are this no'.split(' ');

/** English in rough outline: two words in five are among the commonest, the others follow Zipf's law from rank 20 on. */
function word(): string {
  if (random.uniform() < 0.4) return COMMON[Math.floor(random.uniform() ** 2 * COMMON.length)]!;
  return `w${Math.floor(20 * 10_000 ** random.uniform()).toString(36)}`;
}
const say = (count: number): string => Array.from({ length: count }, word).join(' ');

const passages: readonly Passage[] = Array.from({ length: 50_000 }, (_, index) => ({
  id: `p${index}`,
  title: say(3),
  text: say(100),
}));
const queries = Array.from({ length: 100 }, () => say(12));
const retriever = createBm25({ passages });
const complete = createBm25({ passages, analyzer: { stopWords: 'none' } });

describe('bm25, 50,000 passages of 100 words', () => {
  bench('build', () => void createBm25({ passages }), { iterations: 3, warmupIterations: 0 });

  bench('100 queries of 12 words', () => void retriever.search(queries, 3));

  bench('100 queries of 12 words, stop words indexed', () => void complete.search(queries, 3));
});
