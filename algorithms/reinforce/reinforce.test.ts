import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { checkBias } from '../../bench/audit/property.ts';
import { createRandom } from '../../core/random.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { chains } from '../sketch.test-helper.ts';
import { reinforce } from './index.ts';

const defaults = reinforce.schema.parse({});
const random = createRandom(0);

describe('REINFORCE', () => {
  // equation (reinforce): A_i
  it("gives every action its trajectory's return, whatever the others returned", () => {
    const { actions } = reinforce.credit([chains([1, 0.3, 1], 2), chains([-0.5])], defaults, random);
    expect(actions.map(({ advantage }) => advantage)).toEqual([1, 1, 0.3, 0.3, 1, 1, -0.5]);
    expect(new Set(actions.map(({ sequence }) => sequence)).size).toBe(4);
  });

  it('plans one or n rollouts', () => {
    for (const groupSize of [1, 5]) {
      expect(reinforce.next(chains([]), { ...defaults, groupSize }, random)).toHaveLength(groupSize);
    }
    expect(reinforce.next(chains([1]), defaults, random)).toEqual([]);
    expect(reinforce.budget(7)).toEqual({ groupSize: 7 });
  });

  it('keeps the contract, constant rewards aside: it has no baseline', async () => {
    expect(await checkAlgorithm(reinforce, { random, batches: 5, constantRewards: 'any' })).toEqual([]);
    expect(await checkAlgorithm(reinforce, { random, batches: 1 })).toEqual([
      'reinforce: equal returns give an advantage of 0.5: the baseline is not theirs',
    ]);
  });
});

describe('the exact bias of REINFORCE', () => {
  // Field notes, section E: 1.000, 1.000. What it costs to have no baseline is variance.
  it.each([
    [1, 0, 'plain'],
    [4, 0, 'plain'],
    [4, 0.2, 'plain'],
    [4, 0, 'own'],
  ] as const)(
    'is none with %d rollouts, %d for searching (%s loss)',
    async (groupSize, searchReward, objective) => {
      const bias = await exactBias(reinforce, { groupSize }, { searchReward, objective });
      expect(bias.kind).toBe('unbiased');
      expect(bias.root).toBeCloseTo(1, 9);
      expect(bias.leaf).toBeCloseTo(1, 9);
      expect(bias.advantage).toBe('shifted');
    },
  );

  it('is none on random MDPs, either', async () => {
    await checkBias(reinforce, { expect: 'unbiased', objective: 'own', runs: 20 });
  });
});
