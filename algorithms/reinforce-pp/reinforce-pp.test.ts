import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_LOGITS } from '../../envs/diagnostic/stop-or-search.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { chains } from '../sketch.test-helper.ts';
import type { RolloutTree, TreeEdge } from '../tree.ts';
import { reinforcePp, tokenReturns } from './index.ts';

const defaults = reinforcePp.schema.parse({});
const random = createRandom(0);

/** Actions of a trajectory with so many tokens and such rewards. */
const actionsOf = (...actions: readonly [tokens: number, reward: number][]): readonly TreeEdge[] =>
  actions.map(([tokens, reward], id) => ({
    ...chains([0]).edges[0]!,
    id,
    tokens: new Array<number>(tokens).fill(0),
    reward,
  }));

describe('token returns of REINFORCE++', () => {
  // Reference 1.4: verl's recursion with the loss mask for the running return would stop at the observation
  // between the actions, and the first action would get 0.
  // equation (reinforce-pp): G_t
  it('carry the reward of the last token to the first action', () => {
    expect(tokenReturns(actionsOf([2, 0], [3, 1]), 1)).toEqual([
      [1, 1],
      [1, 1, 1],
    ]);
  });

  // equation (reinforce-pp): an action's reward
  it('pay an intermediate reward at the last token of its action: later tokens do not get it', () => {
    expect(tokenReturns(actionsOf([2, 0.25], [1, 0.5], [1, 1]), 1)).toEqual([[1.75, 1.75], [1.5], [1]]);
  });

  // equation (reinforce-pp): G_t
  it('discount per token', () => {
    expect(tokenReturns(actionsOf([2, 1], [2, 8]), 0.5)).toEqual([
      [1.5, 3],
      [4, 8],
    ]);
  });
});

describe('REINFORCE++', () => {
  const values = (trees: readonly RolloutTree[], options = {}) =>
    reinforcePp.credit(trees, { ...defaults, ...options }, random).actions.flatMap((a) => a.advantage);

  // equation (reinforce-pp): A_t
  it('whitens over all questions of the batch, not within each', () => {
    // Two questions, one always solved, one never: no group has a signal, the batch has.
    const [solved, , failed] = values([chains([1, 1]), chains([0, 0])], { epsilon: 0 });
    // Mean 1/2, sample variance 1/3.
    expect(solved).toBeCloseTo(0.5 * Math.sqrt(3), 12);
    expect(failed).toBeCloseTo(-0.5 * Math.sqrt(3), 12);
  });

  // equation (reinforce-pp): A_t
  it('whitens over tokens: a longer trajectory weighs more', () => {
    const long = chains([1], 3);
    const short = chains([0]);
    const advantages = values([long, short], { epsilon: 0 });
    for (const [i, value] of [0.5, 0.5, 0.5, -1.5].entries()) expect(advantages[i]).toBeCloseTo(value, 12);
  });

  it('plans rollouts from the root once, one row of the loss per trajectory', () => {
    expect(reinforcePp.next(chains([]), { ...defaults, groupSize: 1 }, random)).toEqual([{ node: 0 }]);
    expect(reinforcePp.next(chains([1]), defaults, random)).toEqual([]);
    expect(reinforcePp.budget(7)).toEqual({ groupSize: 7 });
    const { actions } = reinforcePp.credit([chains([1, 0], 2)], defaults, random);
    expect(new Set(actions.map(({ sequence }) => sequence)).size).toBe(2);
  });

  it('keeps the contract', async () => {
    expect(await checkAlgorithm(reinforcePp, { random, batches: 5 })).toEqual([]);
    const discounted = { random, batches: 5, options: { gamma: 0.9 }, constantRewards: 'any' as const };
    expect(await checkAlgorithm(reinforcePp, discounted)).toEqual([]);
  });
});

/**
 * The ratios again, without the audit: the batch is n trajectories of the one question, the sum runs over how many
 * of them stop, take A and take B, and the loss is the mean over tokens (one per action).
 */
function ratiosByCounts(n: number): { readonly root: number; readonly leaf: number } {
  const p = 1 / (1 + Math.exp(-STOP_OR_SEARCH_LOGITS.search));
  const q = 1 / (1 + Math.exp(-STOP_OR_SEARCH_LOGITS.A));
  const logFactorial = [0];
  for (let i = 1; i <= n; i++) logFactorial.push(logFactorial[i - 1]! + Math.log(i));
  const logPower = (count: number, base: number): number => count * Math.log(base) - logFactorial[count]!;
  let root = 0;
  let leaf = 0;
  for (let stops = 0; stops <= n; stops++) {
    for (let a = 0; a + stops <= n; a++) {
      const b = n - stops - a;
      if (Math.max(stops, a, b) === n) continue; // equal returns
      const log = logFactorial[n]! + logPower(stops, 1 - p) + logPower(a, p * q) + logPower(b, p * (1 - q));
      const tokens = stops + 2 * (a + b);
      const mean = (0.3 * stops + 2 * a) / tokens;
      const squares = stops * (0.3 - mean) ** 2 + 2 * a * (1 - mean) ** 2 + 2 * b * mean ** 2;
      const weight = Math.exp(log) / tokens / Math.sqrt(squares / (tokens - 1) + 1e-8);
      root += weight * ((a * (1 - mean) - b * mean) * (1 - p) - stops * (0.3 - mean) * p);
      leaf += weight * (a * (1 - mean) * (1 - q) + b * mean * q);
    }
  }
  return { root: root / (p * (1 - p) * (q - 0.3)), leaf: leaf / (p * q * (1 - q)) };
}

describe('the exact bias of REINFORCE++', () => {
  // The audit's batch is one question, so it is as small as a batch can be: the whitening looks at the same few
  // trajectories that it corrects, and the root's components have the wrong sign. Under the plain loss the ratios
  // hold a factor of n, the audit's sum over rollouts for credit by token.
  it.each([
    [4, 'plain', -23.2573, 6.7477],
    [4, 'own', -3.9136, 1.022],
  ] as const)(
    'has the wrong sign at the root with %d rollouts in the batch (%s loss)',
    async (groupSize, objective, root, leaf) => {
      const bias = await exactBias(reinforcePp, { groupSize }, { objective });
      expect(bias.kind).toBe('biased');
      expect(bias.root).toBeCloseTo(root, 3);
      expect(bias.leaf).toBeCloseTo(leaf, 3);
    },
  );

  it.each([2, 4])('agrees with a sum over counts (%d rollouts)', async (n) => {
    const bias = await exactBias(reinforcePp, { groupSize: n }, { objective: 'own' });
    expect(bias.root).toBeCloseTo(ratiosByCounts(n).root, 9);
    expect(bias.leaf).toBeCloseTo(ratiosByCounts(n).leaf, 9);
  });

  // The larger the batch, the more its mean and deviation are constants, which scale the gradient and no more.
  it.each([
    [8, -1.2416, 1.2739],
    [64, 1.3936, 1.4817],
    [384, 1.4913, 1.5042],
  ])('vanishes as the batch grows (%d rollouts)', (n, root, leaf) => {
    expect(ratiosByCounts(n).root).toBeCloseTo(root, 4);
    expect(ratiosByCounts(n).leaf).toBeCloseTo(leaf, 4);
  });

  // The sign at the root is right here, while that of REINFORCE++-baseline is not.
  it('with an intermediate reward', async () => {
    const bias = await exactBias(reinforcePp, { groupSize: 4 }, { searchReward: 0.2 });
    expect(bias.kind).toBe('biased');
    expect(bias.root).toBeCloseTo(4.8941, 3);
    expect(bias.leaf).toBeCloseTo(7.4017, 3);
  });
});
