import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { createRandom } from '../../core/random.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { reinforcePp } from '../reinforce-pp/index.ts';
import { chains } from '../sketch.test-helper.ts';
import type { RolloutTree } from '../tree.ts';
import { reinforcePpBaseline } from './index.ts';

const defaults = reinforcePpBaseline.schema.parse({});
const random = createRandom(0);

describe('REINFORCE++-baseline', () => {
  const values = (trees: readonly RolloutTree[]) =>
    reinforcePpBaseline
      .credit(trees, { ...defaults, epsilon: 0 }, random)
      .actions.map(({ advantage }) => advantage as number);

  // equation (reinforce-pp-baseline): R_i - mean R
  // equation (reinforce-pp-baseline): whitening
  it('takes the mean of each question, the deviation of the batch', () => {
    // Distances from the means: +-0.5 and +-0.1; mean 0, sample variance 0.52 / 3.
    const deviation = Math.sqrt(0.52 / 3);
    for (const [i, value] of values([chains([1, 0]), chains([0.2, 0])]).entries()) {
      expect(value).toBeCloseTo([0.5, -0.5, 0.1, -0.1][i]! / deviation, 12);
    }
  });

  // equation (reinforce-pp-baseline): whitening
  it('whitens over tokens, so the mean of the batch is taken off again where lengths differ', () => {
    // One question: a trajectory of three tokens with 1, one of one token with 0. +-0.5 over tokens: mean 1/4.
    const tree = chains([1, 0], 1);
    const edges = tree.edges.map((edge, i) => (i === 0 ? { ...edge, tokens: [0, 0, 0] } : edge));
    const advantages = values([{ ...tree, edges }]);
    expect(advantages[0]).toBeCloseTo(0.5, 12);
    expect(advantages[1]).toBeCloseTo(-1.5, 12);
  });

  it('pushes a group without signal where the long trajectories of another did better', () => {
    const tree = chains([1, 0], 1);
    const edges = tree.edges.map((edge, i) => (i === 0 ? { ...edge, tokens: [0, 0, 0] } : edge));
    // Tokens 0.5, 0.5, 0.5, -0.5, 0, 0: mean 1/6, sample variance 1/6.
    const [, , first, second] = values([{ ...tree, edges }, chains([1, 1])]);
    expect(first).toBeCloseTo(-Math.sqrt(1 / 6), 12);
    expect(second).toBe(first);
  });

  // equation (reinforce-pp-baseline): R_i - mean R
  it('gives every action of a trajectory the same, the first ones too', () => {
    const [first, second, third] = values([chains([1, 0], 3)]);
    expect(first).toBeGreaterThan(0.5);
    expect([second, third]).toEqual([first, first]);
  });

  it('is exactly 0 without signal in any group', () => {
    expect(values([chains([0.1, 0.1, 0.1]), chains([1, 1, 1])])).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('keeps the return of a group of one', () => {
    const [high, low] = values([chains([1]), chains([0])]);
    expect(high).toBeCloseTo(Math.SQRT1_2, 12);
    expect(low).toBeCloseTo(-Math.SQRT1_2, 12);
  });

  it('plans and keeps the contract', async () => {
    expect(reinforcePpBaseline.next(chains([]), { ...defaults, groupSize: 3 }, random)).toHaveLength(3);
    expect(reinforcePpBaseline.budget(7)).toEqual({ groupSize: 7 });
    expect(await checkAlgorithm(reinforcePpBaseline, { random, batches: 5 })).toEqual([]);
  });
});

describe('the exact bias of REINFORCE++-baseline', () => {
  // One question is the whole batch of the audit: the whitening undoes the group mean, and without intermediate
  // rewards nothing but REINFORCE++ is left. The root has the wrong sign. Plain sums over rollouts in one and
  // averages them in the other.
  it('is that of REINFORCE++ for a batch of one question', async () => {
    const own = await exactBias(reinforcePpBaseline, { groupSize: 4 }, { objective: 'own' });
    const other = await exactBias(reinforcePp, { groupSize: 4 }, { objective: 'own' });
    expect(own.kind).toBe('biased');
    expect(own.root).toBeCloseTo(-3.9136, 3);
    expect(own.leaf).toBeCloseTo(1.022, 3);
    expect(own.root).toBeCloseTo(other.root, 6);
    expect(own.leaf).toBeCloseTo(other.leaf, 6);
  });

  it.each([
    [0, -5.8143, 1.6869],
    [0.2, -0.7226, 1.6649],
  ])('with %d paid for searching (plain loss)', async (searchReward, root, leaf) => {
    const bias = await exactBias(reinforcePpBaseline, { groupSize: 4 }, { searchReward });
    expect(bias.kind).toBe('biased');
    expect(bias.root).toBeCloseTo(root, 3);
    expect(bias.leaf).toBeCloseTo(leaf, 3);
  });
});
