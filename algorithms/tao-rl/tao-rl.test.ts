import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { createRandom } from '../../core/random.ts';
import { editEdges, tokens } from '../edit.test-helper.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { chains, sketchTree } from '../sketch.test-helper.ts';
import type { RolloutTree } from '../tree.ts';
import { entropyFactors, taoRl } from './index.ts';

const defaults = taoRl.schema.parse({});
const random = createRandom(0);
const shape = { coefficient: 0.01, percentile: 0 };

/** The advantages of one tree's tokens, edge by edge. */
const advantagesOf = (tree: RolloutTree, options: Partial<typeof defaults> = {}) =>
  new Map(
    taoRl
      .credit([tree], { ...defaults, epsilon: 0, ...options }, random)
      .actions.map(({ edge, advantage }) => [edge, advantage as readonly number[]]),
  );

describe('the entropy factors', () => {
  // equation (tao-rl): entropy shaping
  it('are 1 + 0.01 z on eligible tokens, mean and population std over all tokens', () => {
    // Entropies 0, 1, 2, 3: mean 1.5, std sqrt(1.25).
    const z = (value: number) => (value - 1.5) / Math.sqrt(1.25);
    const [first, second] = entropyFactors(
      [
        [0, 1],
        [2, 3],
      ],
      [false, true],
      shape,
    );
    expect(first).toEqual([1, 1]);
    expect(second![0]).toBeCloseTo(1 + 0.01 * z(2), 9);
    expect(second![1]).toBeCloseTo(1 + 0.01 * z(3), 9);
    // Neither the sample std, nor mean and std of the eligible tokens alone.
    const sample = 1 + (0.01 * 1.5) / Math.sqrt(5 / 3);
    expect(Math.abs(second![1]! - sample)).toBeGreaterThan(1e-3);
    expect(Math.abs(second![1]! - 1.01)).toBeGreaterThan(1e-3);
  });

  it('leave the tokens below the quantile of the eligible ones alone', () => {
    // Eligible 0, 1, 2, 3, 4: the 0.8 quantile is 3.2, between the last two.
    const entropies = [
      [9, 8],
      [0, 1, 2, 3, 4],
    ];
    const changed = (percentile: number) =>
      entropyFactors(entropies, [false, true], { ...shape, percentile }).map((values) =>
        values.map((value) => value !== 1),
      );
    expect(changed(0.8)).toEqual([
      [false, false],
      [false, false, false, false, true],
    ]);
    expect(changed(0.75)).toEqual([
      [false, false],
      [false, false, false, true, true],
    ]);
    expect(changed(1)).toEqual([
      [false, false],
      [false, false, false, false, true],
    ]);
    expect(changed(0)).toEqual([
      [false, false],
      [true, true, true, true, true],
    ]);
  });

  it('are exactly 1 for equal entropies, without eligible tokens and with coefficient 0', () => {
    expect(entropyFactors([[0.1, 0.1], [0.1]], [true, true], shape)).toEqual([[1, 1], [1]]);
    expect(entropyFactors([[1], [2]], [false, false], shape)).toEqual([[1], [1]]);
    expect(entropyFactors([[1], [2]], [true, true], { ...shape, coefficient: 0 })).toEqual([[1], [1]]);
    expect(entropyFactors([], [], shape)).toEqual([]);
  });

  it('are finite, and within 1 +- coefficient sqrt(n)', () => {
    const action = fc.array(fc.double({ min: 0, max: 12, noNaN: true }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(action, fc.boolean())),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rows, q) => {
          const entropies = rows.map(([values]) => values);
          const eligible = rows.map(([, flag]) => flag);
          const bound = 0.01 * Math.sqrt(entropies.flat().length) + 1e-9;
          for (const value of entropyFactors(entropies, eligible, {
            coefficient: 0.01,
            percentile: q,
          }).flat()) {
            expect(Math.abs(value - 1)).toBeLessThanOrEqual(bound);
          }
        },
      ),
    );
  });
});

describe('TAO-RL credit', () => {
  // Two trajectories, returns 1 and 0: call a tool, call it again, answer; and answer at once.
  const tree = editEdges(sketchTree([{ next: [{ next: [{ end: 1 }] }] }, { end: 0 }]), {
    0: { ...tokens(1, { entropy: 4 }), tool: true },
    1: { ...tokens(2, { entropy: 3 }), tool: true },
    2: tokens(1, { entropy: 0 }),
    3: tokens(1, { entropy: 2 }),
  });

  // equation (tao-rl): A_i
  // equation (tao-rl): entropy shaping
  it('shapes what follows a tool result: not the first action, not an answer without a call', () => {
    // Entropies 4, 3, 3, 0, 2: mean 2.4, std sqrt(1.84).
    const z = (value: number) => (value - 2.4) / Math.sqrt(1.84);
    const of = advantagesOf(tree, { percentile: 0 });
    expect(of.get(0)![0]).toBeCloseTo(Math.SQRT1_2, 12);
    expect(of.get(3)![0]).toBeCloseTo(-Math.SQRT1_2, 12);
    for (const value of of.get(1)!) expect(value).toBeCloseTo(Math.SQRT1_2 * (1 + 0.01 * z(3)), 9);
    expect(of.get(2)![0]).toBeCloseTo(Math.SQRT1_2 * (1 + 0.01 * z(0)), 9);
  });

  it('by default only the fifth of greatest entropy', () => {
    const of = advantagesOf(tree);
    expect(of.get(1)![0]).toBeGreaterThan(Math.SQRT1_2 * 1.004);
    expect(of.get(2)![0]).toBeCloseTo(Math.SQRT1_2, 12);
  });

  // equation (tao-rl): only the share keepRatio
  it('shapes only the trajectories of greatest advantage with keepRatio', () => {
    const both = editEdges(sketchTree([{ next: [{ end: 0 }] }, { next: [{ end: 1 }] }]), {
      0: { tool: true },
      1: tokens(1, { entropy: 2 }),
      2: { tool: true },
      3: tokens(1, { entropy: 3 }),
    });
    const isShaped = (keepRatio: number) => {
      const of = advantagesOf(both, { percentile: 0, keepRatio });
      return [1, 3].map((edge) => Math.abs(Math.abs(of.get(edge)![0]!) - Math.SQRT1_2) > 1e-6);
    };
    expect(isShaped(1)).toEqual([true, true]);
    expect(isShaped(0.5)).toEqual([false, true]);
    expect(isShaped(0.51)).toEqual([true, true]); // rounded up
  });

  // equation (tao-rl): a trajectory with a void turn
  it('leaves out trajectories with a void turn, which still count in their group', () => {
    const broken = editEdges(sketchTree([{ next: [{ end: 1 }] }, { end: 0 }, { end: 0 }]), {});
    const masked = advantagesOf(broken);
    expect([...masked.keys()]).toEqual([2, 3]);
    // 0 against 1, 0, 0: -1/3 over sqrt(1/3).
    expect(masked.get(2)![0]).toBeCloseTo(-1 / Math.sqrt(3), 12);
    expect(advantagesOf(broken, { voidTurns: 'keep' }).size).toBe(4);
    expect(advantagesOf(editEdges(broken, { 0: { tool: true } })).size).toBe(4);
  });

  it('is exactly 0 for equal returns, whatever the entropies', () => {
    const equal = editEdges(chains([0.1, 0.1, 0.1], 2), {
      0: { tool: true },
      1: tokens(3, { entropy: 2 }),
      2: { tool: true },
      4: { tool: true },
    });
    const of = advantagesOf(equal, { percentile: 0 });
    expect([...of.values()].flat()).toEqual(new Array(8).fill(0));
  });
});

describe('TAO-RL', () => {
  // equation (tao-rl): oversampling
  it('keeps questions whose returns have a std of 0.001 or more', () => {
    const { keep, batches } = taoRl.resampling!(defaults);
    expect(batches).toBe(2);
    expect(keep(chains([1, 0]))).toBe(true);
    expect(keep(chains([0.4, 0.4]))).toBe(false);
    expect(keep(chains([0.4, 0.4 + 0.0014]))).toBe(false); // 0.00099
    expect(keep(chains([0.4, 0.4 + 0.0015]))).toBe(true);
    expect(keep(chains([0.4]))).toBe(true);
  });

  // equation (tao-rl): PPO-clip with two bounds
  it('clips at 0.8 and 1.28, with a dual clip at 3 and no KL', () => {
    expect(taoRl.objective(defaults)).toEqual({
      clip: { low: 0.2, high: 0.28, dual: 3 },
      aggregation: 'token-mean',
      normalizer: 1,
      kl: 0,
    });
  });

  it('plans G rollouts and keeps the contract', async () => {
    expect(taoRl.next(chains([]), { ...defaults, groupSize: 3 }, random)).toHaveLength(3);
    expect(taoRl.budget(7)).toEqual({ groupSize: 7 });
    expect(await checkAlgorithm(taoRl, { random, batches: 5 })).toEqual([]);
    const options = { percentile: 0, coefficient: 1, keepRatio: 0.5 };
    expect(await checkAlgorithm(taoRl, { random, batches: 5, options })).toEqual([]);
  });
});

describe('the exact bias of TAO-RL', () => {
  // Without shaping it is DAPO's; credit by token is summed over a group of 4, so 4 times GRPO's -4.406, 1.845 (field
  // notes, section E). After the tool result the entropy (0.65) is below the mean of all tokens: the shaping weakens
  // the leaf, and turns it around at a coefficient of 1.
  it.each([
    [{}, 'plain', -17.62513, 7.28496],
    [{}, 'own', -2.99631, 1.12017],
    [{ coefficient: 0 }, 'plain', -17.62513, 7.38122],
    [{ coefficient: 0 }, 'own', -2.99631, 1.13541],
    [{ percentile: 0, coefficient: 1 }, 'own', -2.99631, -0.38915],
  ] as const)('%j, %s loss', async (options, objective, root, leaf) => {
    const bias = await exactBias(taoRl, { groupSize: 4, ...options }, { objective });
    expect(bias.kind).toBe('biased');
    expect(bias.root).toBeCloseTo(root, 4);
    expect(bias.leaf).toBeCloseTo(leaf, 4);
    expect(bias.result.gradient.flipped).toEqual([
      'start: stop',
      'start: search',
      ...(leaf < 0 ? ['found: A', 'found: B'] : []),
    ]);
  });
});
