import { describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { configured } from '../../algorithms/configured.ts';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { createRandom } from '../../core/random.ts';
import { lookAhead } from '../../envs/look-ahead.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { type MdpChoice, playable } from '../audit/small-mdp.ts';
import { rollout } from '../rollout/engine.ts';
import { headStates, readHeads } from '../training/heads.ts';
import { expectSameCredit } from './round-trip.test-helper.ts';

/** Three turns of two actions each: rewards on the way and at the end, unequal chances. */
function process(seed: number): MdpChoice {
  const random = createRandom(seed);
  const grow = (depth: number): MdpChoice =>
    [0, 1].map(() => {
      const reward = Math.round(random.uniform() * 8) / 8;
      const logit = 2 * random.uniform() - 1;
      return depth === 1 ? { logit, reward } : { logit, reward: reward / 4, next: grow(depth - 1) };
    });
  return grow(3);
}

async function treesOf(algorithm: AnyAlgorithm): Promise<readonly RolloutTree[]> {
  const { next, needs, heads } = configured(algorithm, algorithm.budget(8));
  const trees = await Promise.all(
    [1, 2, 3].map(async (seed) => {
      const { environment, task, policy } = playable(process(seed));
      const [tree] = await rollout({
        ...{ environment, policy, tasks: [task], random: createRandom(seed), plan: next },
        ...{ measuring: { needs }, expert: lookAhead(environment), sampling: { temperature: 1 } },
      });
      return tree!;
    }),
  );
  const states = headStates(heads);
  return (await readHeads(trees, states, createTabularPolicy(), { temperature: 1 })).trees;
}

describe('trees written as trajectories and read again', () => {
  it.each(ALGORITHMS.map((algorithm) => [algorithm.id, algorithm as AnyAlgorithm] as const))(
    'have the credit that they had: %s',
    async (_, algorithm) => {
      const trees = await treesOf(algorithm);
      expect(trees.some(({ edges }) => edges.length > 8)).toBe(true);
      expectSameCredit(configured(algorithm, algorithm.budget(8)), trees);
    },
  );
});
