import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { trainingRows } from '../../bench/training/update.ts';
import { createRandom } from '../../core/random.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { evaluateLoss } from '../objective.ts';
import { searchBias, searchTree } from '../shared/information-gain.test-helper.ts';
import { chains } from '../sketch.test-helper.ts';
import { a2tgpo, a2tgpoTurns } from './index.ts';

const defaults = a2tgpo.schema.parse({});
const random = createRandom(0);
const turns = (
  gains: readonly (readonly number[])[],
  returns: readonly number[],
  options: Partial<typeof defaults> = {},
) => {
  const credits = a2tgpoTurns(gains, returns, { ...defaults, ...options });
  const round = (value: number) => Number(value.toFixed(4)) + 0;
  return {
    advantages: credits.map((parts) => parts.map(({ advantage }) => round(advantage))),
    scales: credits.map((parts) => parts.map(({ clipScale }) => round(clipScale))),
  };
};

describe('A2TGPO credit by turn', () => {
  // Reference 4.2: a group of two, returns 1 and 0.
  const gains = [
    [0.4, -0.1],
    [0.2, 0.3, 0.1],
  ];

  // equation (a2tgpo): nIG_t
  // equation (a2tgpo): O = z-score of R
  // equation (a2tgpo): A_t = alpha
  // equation (a2tgpo): c_t
  it('is that of the reference', () => {
    const { advantages, scales } = turns(gains, [1, 0]);
    expect(advantages).toEqual([
      [1, 0.7, 1],
      [-1, -0.7879, -1, -1],
    ]);
    expect(scales[0]).toEqual([1.1386, 0.8614, 1]);
    expect(scales[1]).toEqual([0.8614, 1.1386, 1, 1]);
  });

  it('would not be with the sample std, without the rescaling, or with turns off by one', () => {
    // The sample std of two makes every score 0.7071 of its size.
    const score = Math.SQRT1_2;
    expect(0.3 * (score - score) + score).not.toBeCloseTo(turns(gains, [1, 0]).advantages[0]![0]!, 2);
    expect(-1 + 0.3 * 1).not.toBeCloseTo(turns(gains, [1, 0]).advantages[1]![1]!, 2);
    // Which turn a gain belongs to decides what it is compared with.
    const paired = (other: readonly number[]) => turns([[0.4, 0.3], other], [0, 0]).scales[0];
    expect(paired([0.2, 0.5])).toEqual([1.1386, 0.8614, 1]);
    expect(paired([0.5, 0.2])).toEqual([0.8614, 1.1386, 1]);
  });

  // equation (a2tgpo): D_t
  // equation (a2tgpo): A_t = alpha
  it('discounts later gains, and divides by the root of their number all the same', () => {
    const { advantages } = turns([[0.4, -0.1], gains[1]!], [1, 0], { gamma: 0.5, alpha: 1 });
    expect(advantages[0]![0]).toBeCloseTo((1 - 0.5) / Math.SQRT2 + 1, 3);
    expect(advantages[1]![0]).toBeCloseTo((-1 + 0.5) / Math.sqrt(3) - 1, 3);
  });

  // equation (a2tgpo): nIG_t
  it('compares a turn with the same turn of the others; alone there, it has no gain and a clip range of 1', () => {
    const { advantages, scales } = turns([[0.4, 5], [0.2]], [0, 0]);
    expect(advantages).toEqual([
      [0.2121, 0, 0], // its one score over the root of two terms
      [-0.3, 0],
    ]);
    expect(scales[0]![1]).toBe(1);
  });

  it('is exactly 0 for equal returns and gains, of a single trajectory too', () => {
    for (const epsilon of [0, 1e-6]) {
      for (const group of [[[0.1, 0.7]], [[0.1], [0.1], [0.1]]]) {
        const credits = a2tgpoTurns(
          group,
          group.map(() => 0.1),
          { ...defaults, epsilon },
        );
        for (const turn of credits.flat()) expect(turn).toEqual({ advantage: 0, clipScale: 1 });
      }
    }
  });

  it('is finite and bounded, and its clip range within 0.7 and 1.3', () => {
    const gain = fc.double({ min: -50, max: 50, noNaN: true });
    const trajectory = fc.record({
      gains: fc.array(gain, { maxLength: 5 }),
      end: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(trajectory, { minLength: 1, maxLength: 6 }), (group) => {
        const credits = a2tgpoTurns(
          group.map(({ gains: values }) => values),
          group.map(({ end }) => end),
          defaults,
        );
        const bound = Math.sqrt(group.length);
        for (const { advantage, clipScale } of credits.flat()) {
          // Every score is below the root of n; at most sqrt(5) times that after the sum.
          expect(Math.abs(advantage)).toBeLessThanOrEqual(bound * (1 + 0.3 * Math.sqrt(5)) + 1e-9);
          expect(clipScale).toBeGreaterThan(0.7);
          expect(clipScale).toBeLessThan(1.3);
        }
      }),
    );
  });
});

describe('A2TGPO credit', () => {
  const tree = searchTree([
    { golds: [-3, -2.6, -2.7], end: 1 },
    { golds: [-3, -2.8, -2.5, -2.4], end: 0 },
  ]);
  const byAction = (options: object) =>
    a2tgpo
      .credit([tree], { ...defaults, ...options }, random)
      .actions.map(({ edge, advantage }) => [
        tree.edges[edge]!.action,
        Number((advantage as number).toFixed(4)) + 0,
      ]);

  it('of K searches has K - 1 gains, the first two searches sharing one (the gains of the reference)', () => {
    expect(byAction({})).toEqual([
      ['s0', 1],
      ['s1', 1],
      ['s2', 0.7],
      ['answer', 1],
      ['s0', -1],
      ['s1', -1],
      ['s2', -0.7879],
      ['s3', -1],
      ['answer', -1],
    ]);
  });

  it('has K with the root as the baseline, and the first gain is then the first search’s own', () => {
    const values = byAction({ baseline: 'root' }).map(([, advantage]) => advantage);
    // The first gain is the same for both: 0. Its sum now has one term more to be divided by.
    expect(values.slice(0, 4)).toEqual([1, 1, 0.7, 1]);
    expect(values.slice(4)).toEqual([-1, -1, -0.7879, -1, -1]);
    const other = searchTree(
      [
        { golds: [-1], end: 1 },
        { golds: [-2], end: 0 },
      ],
      -3,
    );
    const first = (baseline: 'first' | 'root') =>
      a2tgpo.credit([other], { ...defaults, baseline }, random).actions[0]!.advantage;
    expect(first('root')).toBeCloseTo(1.3, 4);
    expect(first('first')).toBeCloseTo(1, 4);
  });

  // equation (a2tgpo): IG_t
  it('takes differences of logarithms, not of probabilities', () => {
    // p after the first search 0.1, after the second 0.2, 0.5 and 0.9.
    const rising = [0.2, 0.5, 0.9].map((p) => ({ golds: [Math.log(0.1), Math.log(p)], end: 0 }));
    const logs = [2, 5, 9].map(Math.log);
    const center = logs.reduce((a, b) => a + b, 0) / 3;
    const std = Math.sqrt(logs.reduce((sum, value) => sum + (value - center) ** 2, 0) / 3);
    const { actions } = a2tgpo.credit([searchTree(rising)], defaults, random);
    for (const [i, log] of logs.entries()) {
      expect(actions[3 * i]!.advantage).toBeCloseTo((0.3 * (log - center)) / std, 5);
    }
  });

  it('is the outcome alone where there is no accepted answer, or no search', () => {
    const bare = { ...tree, nodes: tree.nodes.map(({ gold: _, ...node }) => node) };
    for (const one of [bare, chains([1, 0], 2)]) {
      const { actions } = a2tgpo.credit([one], defaults, random);
      for (const { advantage, clipScale } of actions) {
        expect(Math.abs(advantage as number)).toBeCloseTo(1, 4);
        expect(clipScale).toBe(1);
      }
    }
  });

  it('keeps questions apart and makes a trajectory one sequence', () => {
    const { actions } = a2tgpo.credit([chains([1, 1]), chains([0, 0])], defaults, random);
    expect(actions.map(({ advantage }) => advantage)).toEqual([0, 0, 0, 0]);
    expect(new Set(actions.map(({ sequence }) => sequence)).size).toBe(4);
  });

  // equation (a2tgpo): ratio of an action
  it('clips the ratio of an action, further for a good search than for a bad one', () => {
    const rows = trainingRows([tree], a2tgpo.credit([tree], defaults, random));
    const objective = a2tgpo.objective(defaults);
    const clipped = (index: number, move: number) =>
      evaluateLoss(
        objective,
        rows,
        rows.map(({ oldLogProbs }, i) => oldLogProbs.map((value) => value + (i === index ? move : 0))),
      ).clipFraction > 0;
    // Row 0: A > 0, c = 1.1386. Row 2: A > 0, c = 0.8614. Row 3, the answer: c = 1.
    for (const [row, scale] of [
      [0, 1.1386],
      [2, 0.8614],
      [3, 1],
    ] as const) {
      const edge = Math.log(1 + 4e-3 * scale);
      expect([clipped(row, edge - 1e-6), clipped(row, edge + 1e-6)]).toEqual([false, true]);
    }
    // Row 4: A < 0, c = 0.8614.
    const low = Math.log(1 - 3e-3 * 0.8614);
    expect([clipped(4, low + 1e-6), clipped(4, low - 1e-6)]).toEqual([false, true]);
    expect(objective).toMatchObject({ ratio: 'action', aggregation: 'sequence-mean-token-mean', kl: 0 });
  });
});

describe('A2TGPO', () => {
  it('plans a flat group and needs the accepted answer’s probability', () => {
    expect(a2tgpo.next(chains([]), { ...defaults, groupSize: 3 }, random)).toEqual([
      { node: 0 },
      { node: 0 },
      { node: 0 },
    ]);
    expect(a2tgpo.next(chains([1]), defaults, random)).toEqual([]);
    expect(a2tgpo.budget(7)).toEqual({ groupSize: 7 });
    expect(a2tgpo.needs!(defaults)).toEqual(['gold']);
  });

  it('keeps the contract of algorithms; equal returns teach where the gains differ', async () => {
    expect(await checkAlgorithm(a2tgpo, { random, batches: 5 })).toEqual([]);
    const options = { baseline: 'root', gamma: 0.9 };
    expect(await checkAlgorithm(a2tgpo, { random, batches: 5, options })).toEqual([]);
    const apart = searchTree([
      { golds: [-3, -2], end: 1 },
      { golds: [-3, -1], end: 1 },
    ]);
    const { actions } = a2tgpo.credit([apart], defaults, random);
    expect(actions.map(({ advantage }) => Number((advantage as number).toFixed(3)))).toEqual([
      -0.3, -0.3, 0, 0.3, 0.3, 0,
    ]);
  });

  it.each([{ alpha: -1 }, { gamma: 1.1 }, { clipAdapt: 1 }, { baseline: 'none' }])(
    'refuses %j',
    (options) => {
      expect(a2tgpo.schema.safeParse(options).success).toBe(false);
    },
  );
});

describe('the exact bias of A2TGPO (groups of 4)', () => {
  // Means over trajectories: the audit sums over trained actions, which is 4 times as much.
  // One search has no gain, or the same for all that search: GRPO with the population std, sqrt(4/3) times -4.406, 1.845.
  it.each([
    ['plain', 'first', -5.087932, 2.130786, 4],
    ['plain', 'root', -5.087932, 2.130786, 4],
    ['own', 'first', -4.066955, 1.065393, 1],
  ] as const)(
    'on stop-or-search is GRPO’s (%s loss, baseline %s)',
    async (objective, baseline, root, leaf, divisor) => {
      const found = await exactBias(a2tgpo, { groupSize: 4, baseline }, { objective });
      expect([found.kind, found.result.outcomes]).toEqual(['biased', 81]);
      expect(found.root / divisor).toBeCloseTo(root, 3);
      expect(found.leaf / divisor).toBeCloseTo(leaf, 3);
    },
  );

  it('on two searches: the gain turns the sign of the search that leads to the accepted answer', async () => {
    const plain = async (options: object) => {
      const { ratios, result } = await searchBias(a2tgpo, { groupSize: 4, ...options });
      return { flipped: result.gradient.flipped, ratios: ratios.map((ratio) => ratio / 4) };
    };
    const first = await plain({});
    for (const [i, value] of [-0.303221, -2.573339, 2.349403, 3.098543].entries()) {
      expect(first.ratios[i]).toBeCloseTo(value, 3);
    }
    expect(first.flipped).toContain('/search: good');
    // Without the gain it is not turned: 16.973, as GRPO's.
    const without = await plain({ alpha: 0 });
    expect(without.flipped).not.toContain('/search: good');
    expect(without.ratios[1]).toBeCloseTo(16.973, 2);
  });
});
