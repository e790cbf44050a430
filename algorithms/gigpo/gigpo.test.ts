import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { createRandom } from '../../core/random.ts';
import type { AnyAlgorithm } from '../algorithm.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { grpo } from '../grpo/index.ts';
import { chains, sketchTree } from '../sketch.test-helper.ts';
import { episodeAdvantages, gigpo, stepAdvantages } from './index.ts';

const defaults = gigpo.schema.parse({});
const mean = { ...defaults, norm: 'mean' } as const;

describe('step advantages', () => {
  // Reference 5.1: two trajectories that share the start, rewards (0, 0, 1) and (0), gamma 0.95.
  const rewards = [[0, 0, 1], [0]];
  const observations = [['start', 's1', 's2'], ['start']];

  // equation (gigpo): Eq. 7
  it.each([
    ['mean', 0.95 ** 2 / 2], // printed as 0.4512
    ['std', Math.SQRT1_2], // printed as 0.7071
  ] as const)('of reference 5.1, %s norm', (norm, expected) => {
    const [long, short] = stepAdvantages(rewards, observations, { ...defaults, norm });
    expect(long![0]).toBeCloseTo(expected, 5);
    expect(short![0]).toBeCloseTo(-expected, 5);
    expect(long!.slice(1)).toEqual([0, 0]); // alone with their observation
  });

  // equation (gigpo): Eq. 5
  // equation (gigpo): Eq. 6
  it('group a state that one trajectory comes back to, with the discounted return of each visit', () => {
    const [steps, other] = stepAdvantages([[0, 0.2, 1], [0.5]], [['s', 't', 's'], ['t']], {
      ...mean,
      gamma: 0.5,
    });
    // Returns from each step on: 0.35, 0.7, 1 and 0.5.
    expect(steps![0]).toBeCloseTo((0.35 - 1) / 2, 12);
    expect(steps![2]).toBeCloseTo((1 - 0.35) / 2, 12);
    expect(steps![1]).toBeCloseTo(0.1, 12);
    expect(other![0]).toBeCloseTo(-0.1, 12);
  });

  it('group similar observations on request', () => {
    const similar = [['a b c d'], ['a b c e']];
    expect(stepAdvantages([[1], [0]], similar, mean)).toEqual([[0], [0]]);
    expect(stepAdvantages([[1], [0]], similar, { ...mean, similarity: 0.75 })).toEqual([[0.5], [-0.5]]);
  });

  it('are finite, 0 for equal returns, bounded with std, and sum to 0 in every group', () => {
    const step = fc.record({
      reward: fc.double({ min: 0, max: 1, noNaN: true }),
      read: fc.constantFrom('s', 't'),
    });
    const group = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(group, fc.constantFrom('mean', 'std'), (trajectories, norm) => {
        const reads = trajectories.map((steps) => steps.map(({ read }) => read));
        const values = stepAdvantages(
          trajectories.map((steps) => steps.map(({ reward }) => reward)),
          reads,
          { ...defaults, norm },
        );
        const flat = values.flat();
        for (const name of ['s', 't']) {
          const members = flat.filter((_, index) => reads.flat()[index] === name);
          expect(members.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 6);
          const bound = (members.length - 1) / Math.sqrt(members.length) + 1e-9;
          if (norm === 'std') for (const value of members) expect(Math.abs(value)).toBeLessThanOrEqual(bound);
        }
      }),
    );
    expect(stepAdvantages([[0.1], [0.1], [0.1]], [['s'], ['s'], ['s']], { ...defaults, epsilon: 0 })).toEqual(
      [[0], [0], [0]],
    );
  });
});

describe('episode advantages', () => {
  // equation (gigpo): Eq. 3
  it('over trajectories are those of GRPO', () => {
    expect(episodeAdvantages([1, 0, 0, 0, 0], [3, 1, 2, 1, 1], defaults)[0]).toBeCloseTo(1.7889, 4);
    expect(episodeAdvantages([1, 0], [3, 1], mean)).toEqual([0.5, -0.5]);
  });

  it('over steps count a trajectory once per step', () => {
    const steps = { ...mean, statistics: 'steps' } as const;
    expect(episodeAdvantages([1, 0], [3, 1], steps)).toEqual([0.25, -0.75]);
    // Rows 1, 1, 1, 0: sample std 0.5.
    const [first, second] = episodeAdvantages([1, 0], [3, 1], { ...steps, norm: 'std' });
    expect(first).toBeCloseTo(0.5, 5);
    expect(second).toBeCloseTo(-1.5, 5);
  });

  it('of a single trajectory is its return, or 0 on request, with any number of steps', () => {
    for (const statistics of ['trajectories', 'steps'] as const) {
      expect(episodeAdvantages([0.7], [3], { ...defaults, statistics })).toEqual([0.7]);
      expect(episodeAdvantages([0.7], [3], { ...defaults, statistics, singleton: 'zero' })).toEqual([0]);
    }
  });
});

describe('GiGPO', () => {
  const tree = sketchTree([{ next: [{ next: [{ end: 1 }] }] }, { end: 0 }]);

  // equation (gigpo): Eq. 8
  // equation (gigpo): PPO-clip, mean over tokens; one row
  it('adds omega times the step advantage, one row of the loss per step', () => {
    const credit = (omega: number) => gigpo.credit([tree], { ...mean, omega }, createRandom(0)).actions;
    expect(credit(1).map(({ advantage }) => advantage)).toEqual([0.5 + 0.45125, 0.5, 0.5, -0.5 - 0.45125]);
    expect(credit(0.5).map(({ advantage }) => advantage)).toEqual([0.725625, 0.5, 0.5, -0.725625]);
    expect(new Set(credit(1).map(({ sequence }) => sequence)).size).toBe(4);
  });

  it('keeps questions apart, whose observations may read alike', () => {
    const { actions } = gigpo.credit([chains([1, 1]), chains([0, 0])], defaults, createRandom(0));
    expect(actions.map(({ advantage }) => advantage)).toEqual([0, 0, 0, 0]);
  });

  it('without the step advantage is GRPO', () => {
    const trees = [chains([1, 0, 0.5], 2), tree];
    const values = (actions: readonly { advantage: number | readonly number[] }[]) =>
      actions.map(({ advantage }) => advantage);
    const own = gigpo.credit(trees, { ...defaults, omega: 0 }, createRandom(0)).actions;
    expect(values(own)).toEqual(values(grpo.credit(trees, grpo.schema.parse({}), createRandom(0)).actions));
  });

  it('keeps the contract of algorithms', async () => {
    const check = (options: object, constantRewards: 'zero' | 'any') =>
      checkAlgorithm(gigpo, {
        random: createRandom(0),
        options: { groupSize: 6, ...options },
        constantRewards,
      });
    expect(await check({ gamma: 1 }, 'zero')).toEqual([]);
    expect(await check({ gamma: 1, statistics: 'steps', similarity: 0.9, norm: 'mean' }, 'zero')).toEqual([]);
    expect(await check({}, 'any')).toEqual([]);
    // Discounting alone makes a difference: of episodes that pay the same the shorter one is preferred.
    expect((await check({}, 'zero')).join()).toContain('equal returns give an advantage');
  });

  it('spends the budget on one group', () => {
    expect(gigpo.schema.parse(gigpo.budget(6)).groupSize).toBe(6);
    expect(gigpo.next(chains([]), { ...defaults, groupSize: 6 }, createRandom(0))).toHaveLength(6);
    expect(gigpo.next(chains([1]), defaults, createRandom(0))).toEqual([]);
  });

  it.each([{ gamma: 1.1 }, { omega: -1 }, { similarity: 0 }, { similarity: 1.1 }, { norm: 'max' }])(
    'refuses %j',
    (options) => {
      expect(gigpo.schema.safeParse(options).success).toBe(false);
    },
  );
});

describe('the exact bias of GiGPO on stop-or-search (groups of 4, outcome-only)', () => {
  // The audit sums over trained actions; divided by 4 it is the mean over trajectories, as for flat methods.
  const bias = async (options: object, searchReward = 0) => {
    const found = await exactBias(gigpo as AnyAlgorithm, { groupSize: 4, ...options }, { searchReward });
    return { ...found, root: found.root / 4, leaf: found.leaf / 4 };
  };

  it('is that of the field notes with the mean norm and without a discount', async () => {
    for (const [searchReward, cosine] of [
      [0, 0.9999],
      [0.2, 0.9991],
    ] as const) {
      const found = await bias({ norm: 'mean', gamma: 1 }, searchReward);
      expect(found.root).toBeCloseTo(1.5, 9);
      expect(found.leaf).toBeCloseTo(1.343251, 6);
      expect(found.cosine).toBeCloseTo(cosine, 4);
      expect(found.kind).toBe('biased');
    }
  });

  it('of the two parts: episode (3/4, 3/4), and step advantage (3/4, 0.593)', async () => {
    const episode = await bias({ norm: 'mean', gamma: 1, omega: 0 });
    expect([episode.kind, episode.root, episode.leaf]).toEqual([
      'scaled',
      expect.closeTo(0.75, 9),
      expect.closeTo(0.75, 9),
    ]);
    // Linear in omega: what omega = 1 adds is the step part. The leaf is alone in its group more often.
    const both = await bias({ norm: 'mean', gamma: 1 });
    expect(both.root - episode.root).toBeCloseTo(0.75, 9);
    expect(both.leaf - episode.leaf).toBeCloseTo(0.593, 3);
  });

  // With the std the root moves in the wrong direction, twice as hard as under GRPO (-4.41).
  it.each<[object, number, number]>([
    [{}, -9.024271, 2.850267],
    [{ gamma: 1 }, -8.812565, 2.850267],
    [{ statistics: 'steps' }, -10.432249, 2.69189],
    [{ norm: 'mean' }, 1.255484, 1.343251],
    [{ norm: 'mean', statistics: 'steps' }, 1.289646, 1.29404],
    [{ norm: 'mean', statistics: 'steps', gamma: 1 }, 1.534161, 1.29404],
  ])('with %j: %d at the root, %d at the leaf', async (options, root, leaf) => {
    const found = await bias(options);
    expect(found.root).toBeCloseTo(root, 5);
    expect(found.leaf).toBeCloseTo(leaf, 5);
    expect(found.kind).toBe('biased');
  });
});
