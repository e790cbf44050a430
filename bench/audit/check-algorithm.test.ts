import { describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { grpo } from '../../algorithms/grpo/index.ts';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import { createRandom } from '../../core/random.ts';
import { checkAlgorithm } from './check-algorithm.ts';

const random = createRandom(11);
/**
 * They rightly learn from constant rewards: no baseline; shorter episodes are worth more (gigpo); or they pay for more than
 * the return: knowing the answer (igpo), calling tools (mt-grpo, spa-rl), steps without an expected error (pica).
 */
const WITHOUT_BASELINE: readonly string[] = [
  'gigpo',
  'igpo',
  'mt-grpo',
  'pica',
  'random-credit',
  'reinforce',
  'spa-rl',
];

describe('checkAlgorithm', () => {
  it.each(ALGORITHMS.map((algorithm) => [algorithm.id, algorithm] as const))(
    'passes %s',
    async (_, algorithm) => {
      const constantRewards = WITHOUT_BASELINE.includes(algorithm.id) ? 'any' : 'zero';
      expect(await checkAlgorithm(algorithm as AnyAlgorithm, { random, constantRewards })).toEqual([]);
    },
  );

  it.each<[string, Partial<AnyAlgorithm>, string]>([
    ['a plan that never ends', { next: () => [{ node: 0 }] }, 'more than 1000 rollouts'],
    ['credit without a baseline', { credit: raw }, 'equal returns give an advantage of 0.5'],
    ['credit on an edge that is not there', { credit: () => at(99, 1) }, 'no edge 99'],
    ['credit that is not finite', { credit: () => at(0, Number.NaN) }, 'its advantage is [NaN]'],
    ['too many token advantages', { credit: () => at(0, [1, 2]) }, 'has 1 tokens'],
    [
      'credit that changes the tree',
      {
        credit: ([tree]) => {
          (tree as unknown as { edges: { reward: number }[] }).edges[0]!.reward += 1;
          return { actions: [] };
        },
      },
      'credit changed the trees',
    ],
    [
      'hidden state',
      {
        credit: (() => {
          let calls = 0;
          return () => at(0, calls++);
        })(),
      },
      'differs when computed twice',
    ],
    [
      'an inverted clip',
      { objective: () => ({ clip: { low: -1, high: 1 }, aggregation: 'token-mean' }) },
      'clip.low',
    ],
  ])('finds %s', async (_, broken, message) => {
    const problems = await checkAlgorithm({ ...grpo, ...broken } as AnyAlgorithm, { random, batches: 2 });
    expect(problems.join('\n')).toContain(message);
  });
});

const at = (edge: number, advantage: number | number[]) => ({
  actions: [{ tree: 0, edge, advantage, sequence: 's' }],
});
const raw: AnyAlgorithm['credit'] = (trees) => ({
  actions: trees.flatMap((tree, index) =>
    tree.edges.map((edge) => ({
      tree: index,
      edge: edge.id,
      advantage: tree.nodes[edge.to]!.return,
      sequence: 's',
    })),
  ),
});
