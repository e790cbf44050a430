import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { createRandom } from '../../core/random.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { grpo } from '../grpo/index.ts';
import { searchBias, searchTree } from '../shared/information-gain.test-helper.ts';
import { gainTurns } from '../shared/information-gain.ts';
import { chains } from '../sketch.test-helper.ts';
import { leaves, type RolloutTree } from '../tree.ts';
import { grpoVps, merged, vpsAdvantages } from './index.ts';

const defaults = grpoVps.schema.parse({});
const random = createRandom(0);
const ln = Math.log;
const credit = (tree: RolloutTree, options: object = {}) =>
  grpoVps
    .credit([tree], { ...defaults, epsilon: 0, ...options }, random)
    .actions.map(({ advantage }) => advantage as number);
const close = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(actual[i], `${i}`).toBeCloseTo(value, 9);
};

// Progress 0.2, -0.1 and 0.2: mean 0.1, sample std sqrt(0.03), so z = 0.577, -1.155, 0.577. A = +-0.707.
const tree = searchTree(
  [
    { golds: [ln(0.3), ln(0.2)], end: 1 },
    { golds: [ln(0.3)], end: 0 },
  ],
  ln(0.1),
);
const up = 1 / Math.sqrt(3);
const outcome = Math.SQRT1_2;

describe('GRPO-VPS credit', () => {
  // equation (grpo-vps): A_i = (R_i
  // equation (grpo-vps): z_k
  // equation (grpo-vps): A_i + lambda z_k
  // equation (grpo-vps): the segment that ends
  it('adds lambda times the normalised progress of the segment; an answer makes none', () => {
    close(credit(tree), [outcome + 0.3 * up, outcome - 0.6 * up, outcome, -outcome + 0.3 * up, -outcome]);
    close(credit(tree, { lambda: 1 }).slice(0, 2), [outcome + up, outcome - 2 * up]);
  });

  // equation (grpo-vps): A_i + lambda z_k
  it('multiplies on request: progress makes a good trajectory’s advantage larger, a bad one’s smaller', () => {
    close(credit(tree, { mixture: 'multiplicative' }), [
      outcome * (1 + 0.3 * up),
      outcome * (1 - 0.6 * up),
      outcome,
      -outcome * (1 - 0.3 * up),
      -outcome,
    ]);
    // Without the sign, progress would be held against a bad trajectory.
    expect(credit(tree, { mixture: 'multiplicative' })[3]).not.toBeCloseTo(-outcome * (1 + 0.3 * up), 3);
  });

  it('is that of GRPO without progress, or where all segments make the same', () => {
    const even = searchTree(
      [
        { golds: [ln(0.3)], end: 1 },
        { golds: [ln(0.3)], end: 0 },
      ],
      ln(0.1),
    );
    const bare = { ...tree, nodes: tree.nodes.map(({ gold: _, ...node }) => node) };
    for (const [one, options] of [
      [tree, { lambda: 0 }],
      [even, {}],
      [bare, {}],
      [chains([1, 0, 0.5], 2), {}],
    ] as const) {
      const expected = grpo.credit([one], { ...grpo.schema.parse({}), epsilon: 0 }, random).actions;
      close(
        credit(one, options),
        expected.map(({ advantage }) => advantage as number),
      );
    }
  });

  // equation (grpo-vps): p = exp
  // equation (grpo-vps): Delta_k
  it('takes probabilities, not their logarithms, against the state before', () => {
    // Progress 0.1, 0.4 and 0.8; in logarithms it would be ln 2, ln 5 and ln 9.
    const three = searchTree(
      [0.2, 0.5, 0.9].map((p) => ({ golds: [ln(p)], end: 0 })),
      ln(0.1),
    );
    const center = 1.3 / 3;
    const std = Math.sqrt([0.1, 0.4, 0.8].reduce((sum, value) => sum + (value - center) ** 2, 0) / 2);
    close(
      credit(three).filter((_, i) => i % 2 === 0),
      [0.1, 0.4, 0.8].map((value) => (0.3 * (value - center)) / std),
    );
  });

  it('puts turns together to a given number of segments, whose progress adds up', () => {
    const long = searchTree([{ golds: [0.1, 0.3, 0.6, 1, 1.5].map((p) => ln(p)), end: 1 }], ln(0.05));
    const turns = gainTurns(long, leaves(long)[0]!, {
      ends: 'action',
      baseline: 'root',
      scale: 'probability',
    });
    const shape = (limit: number | null) =>
      merged(turns, limit).map(({ edges, gain }) => [
        edges.map(({ action }) => action).join(' '),
        gain === undefined ? undefined : Number(gain.toFixed(9)),
      ]);
    expect(shape(2)).toEqual([
      ['s0 s1 s2', 0.55],
      ['s3 s4', 0.9],
      ['answer', undefined],
    ]);
    expect(shape(1)).toEqual([
      ['s0 s1 s2 s3 s4', 1.45],
      ['answer', undefined],
    ]);
    expect(shape(5)).toEqual(shape(null));
    expect(credit(long, { segments: 2, singleton: 'zero' })).toHaveLength(6);
  });

  it('is exactly 0 for equal returns and progress, and finite always', () => {
    const equal = searchTree(
      [0.1, 0.1, 0.1].map((end) => ({ golds: [ln(0.3)], end })),
      ln(0.1),
    );
    expect(new Set(credit(equal))).toEqual(new Set([0]));
    const value = fc.double({ min: -1, max: 1, noNaN: true });
    const group = fc.array(fc.array(value, { maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(group, fc.constantFrom('additive', 'multiplicative'), (progress, mixture) => {
        const outcomes = progress.map((_, i) => i - 1);
        const values = vpsAdvantages(progress, outcomes, { ...defaults, mixture });
        const bound = progress.length + 1;
        for (const [i, segments] of values.entries()) {
          expect(segments).toHaveLength(progress[i]!.length + 1);
          // |z| is at most (n - 1) / sqrt(n) of at most 20 segments.
          for (const one of segments) expect(Math.abs(one)).toBeLessThanOrEqual(bound * (1 + 0.3 * 4.25));
        }
      }),
    );
  });
});

describe('GRPO-VPS', () => {
  it('plans a flat group, needs the accepted answer’s probability, and a trajectory is one sequence', () => {
    expect(grpoVps.next(chains([]), { ...defaults, groupSize: 2 }, random)).toEqual([
      { node: 0 },
      { node: 0 },
    ]);
    expect(grpoVps.next(chains([1]), defaults, random)).toEqual([]);
    expect(grpoVps.budget(7)).toEqual({ groupSize: 7 });
    expect(grpoVps.needs!(defaults)).toEqual(['gold']);
    const { actions } = grpoVps.credit([tree, tree], defaults, random);
    expect(new Set(actions.map(({ sequence }) => sequence)).size).toBe(4);
  });

  it('keeps the contract of algorithms; equal returns teach where the progress differs', async () => {
    for (const options of [{}, { mixture: 'multiplicative', segments: 1, std: 'population' }]) {
      expect(await checkAlgorithm(grpoVps, { random, batches: 5, options })).toEqual([]);
    }
    const apart = searchTree(
      [
        { golds: [ln(0.3)], end: 1 },
        { golds: [ln(0.5)], end: 1 },
      ],
      ln(0.1),
    );
    close(credit(apart), [-0.3 * outcome, 0, 0.3 * outcome, 0]);
    close(credit(apart, { mixture: 'multiplicative' }), [0, 0, 0, 0]);
  });

  it.each([{ lambda: -1 }, { segments: 0 }, { mixture: 'none' }])('refuses %j', (options) => {
    expect(grpoVps.schema.safeParse(options).success).toBe(false);
  });
});

describe('the exact bias of GRPO-VPS (groups of 4)', () => {
  // Means over trajectories: the audit sums over trained actions, which is 4 times as much.
  it.each([
    ['plain', 4, -4.4063, 1.8453],
    ['own', 1, -3.5221, 0.9227],
  ] as const)(
    'on stop-or-search is GRPO’s (%s loss): all who search make the same progress',
    async (objective, divisor, root, leaf) => {
      const found = await exactBias(grpoVps, { groupSize: 4 }, { objective });
      expect(found.kind).toBe('biased');
      expect(found.root / divisor).toBeCloseTo(root, 3);
      expect(found.leaf / divisor).toBeCloseTo(leaf, 3);
    },
  );

  it.each<[object, readonly number[]]>([
    [{}, [-2.803673, -10.474546, 2.034643, 2.683418]],
    [{ mixture: 'multiplicative' }, [-2.508628, -8.392385, 2.034643, 2.683418]],
    [{ lambda: 0 }, [-0.262604, 14.699269, 2.034643, 2.683418]],
  ])('on two searches with %j', async (options, expected) => {
    const { ratios } = await searchBias(grpoVps, { groupSize: 4, ...options });
    for (const [i, value] of expected.entries()) expect(ratios[i]! / 4).toBeCloseTo(value, 3);
  });
});
