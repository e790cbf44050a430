import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LossRow } from './loss-row.ts';
import { AGGREGATIONS, evaluateLoss, type Objective, RATIO_LEVELS, rowWeights } from './objective.ts';

const plain: Objective = {
  clip: { low: 0.2, high: 0.28, dual: 3 },
  aggregation: 'token-mean',
  kl: 0.1,
  normalizer: 7,
};

const rowArbitrary = fc
  .record({
    sequence: fc.constantFrom('a', 'b', 'c'),
    tokens: fc.array(
      fc.record({
        advantage: fc.double({ min: -2, max: 2, noNaN: true }),
        old: fc.double({ min: -4, max: -0.01, noNaN: true }),
        current: fc.double({ min: -4, max: -0.01, noNaN: true }),
        reference: fc.double({ min: -4, max: -0.01, noNaN: true }),
        weight: fc.constantFrom(0, 0.5, 1, 2),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map(({ sequence, tokens }) => ({
    row: {
      sequence,
      advantages: tokens.map((token) => token.advantage),
      oldLogProbs: tokens.map((token) => token.old),
      referenceLogProbs: tokens.map((token) => token.reference),
    } satisfies LossRow,
    current: Float64Array.from(tokens, (token) => token.current),
    weights: tokens.map((token) => token.weight),
  }));
const rowsArbitrary = fc.array(rowArbitrary, { minLength: 1, maxLength: 6 });

describe('evaluateLoss', () => {
  it('has the gradient of its own loss, by central differences', () => {
    fc.assert(
      fc.property(
        rowsArbitrary,
        fc.constantFrom(...AGGREGATIONS),
        fc.boolean(),
        (batch, aggregation, isWeighted) => {
          const objective = { ...plain, aggregation };
          const rows = batch.map(({ row, weights }) =>
            isWeighted ? { ...row, weights, clipScale: 1 } : row,
          );
          const current = batch.map((entry) => entry.current);
          const { gradient } = evaluateLoss(objective, rows, current);
          const step = 1e-6;
          for (const [i, values] of current.entries()) {
            for (let t = 0; t < values.length; t++) {
              const shifted = (delta: number) =>
                current.map((array, j) => (j === i ? array.with(t, array[t]! + delta) : array));
              const ratio = Math.exp(values[t]! - rows[i]!.oldLogProbs[t]!);
              // The clip has kinks; a difference across one says nothing.
              if ([0.8, 1.28, 3].some((kink) => Math.abs(ratio - kink) < 1e-4)) continue;
              const numeric =
                (evaluateLoss(objective, rows, shifted(step)).loss -
                  evaluateLoss(objective, rows, shifted(-step)).loss) /
                (2 * step);
              expect(Math.abs(gradient[i]![t]! - numeric)).toBeLessThan(1e-5 * (1 + Math.abs(numeric)));
            }
          }
        },
      ),
    );
  });

  it.each(['action', 'sequence'] as const)(
    'has the gradient of its own loss where ratios are means over an %s of one advantage',
    (ratio) => {
      fc.assert(
        fc.property(rowsArbitrary, fc.constantFrom(...AGGREGATIONS), (batch, aggregation) => {
          const objective: Objective = { ...plain, aggregation, ratio, kl: 0 };
          // One advantage per unit of the ratio; here one for all.
          const rows = batch.map(({ row }) => ({ ...row, advantages: row.advantages.map(() => 0.5) }));
          const current = batch.map((entry) => entry.current);
          const { gradient } = evaluateLoss(objective, rows, current);
          const step = 1e-6;
          const lossAt = (i: number, t: number, delta: number): number =>
            evaluateLoss(
              objective,
              rows,
              current.map((array, j) => (j === i ? array.with(t, array[t]! + delta) : array)),
            ).loss;
          for (const [i, values] of current.entries()) {
            for (let t = 0; t < values.length; t++) {
              const numeric = (lossAt(i, t, step) - lossAt(i, t, -step)) / (2 * step);
              const sides = [lossAt(i, t, step) - lossAt(i, t, 0), lossAt(i, t, 0) - lossAt(i, t, -step)];
              // A kink of the clip lies in between.
              if (Math.abs(sides[0]! - sides[1]!) > 1e-3 * step) continue;
              expect(Math.abs(gradient[i]![t]! - numeric)).toBeLessThan(1e-5 * (1 + Math.abs(numeric)));
            }
          }
        }),
      );
    },
  );

  // equation (*): geometric mean
  // equation (gspo): s_i = exp
  // equation (actfocus): [R]: sum w L / sum w
  // equation (eapo): PPO-clip, mean over trajectories of each one's weighted mean
  it.each([
    // Weights 0.5 and 1.5 in 'a', 2 in 'b': over all weights, over those of the sequence, over nothing.
    ['token-mean', [0.5 / 4, 1.5 / 4, 2 / 4]],
    ['sequence-mean-token-mean', [0.5 / 2 / 2, 1.5 / 2 / 2, 2 / 2 / 2]],
    ['sequence-mean-token-sum', [0.5 / 2, 1.5 / 2, 2 / 2]],
  ] as const)('weighs tokens within a mean: %s', (aggregation, expected) => {
    const rows: LossRow[] = [
      { sequence: 'a', advantages: [1, 1], oldLogProbs: [-1, -2], weights: [0.5, 1.5] },
      { sequence: 'b', advantages: [1], oldLogProbs: [-3], weights: [2] },
    ];
    const { gradient } = evaluateLoss(
      { clip: { low: 0.2, high: 0.2 }, aggregation },
      rows,
      rows.map(({ oldLogProbs }) => Float64Array.from(oldLogProbs)),
    );
    for (const [i, value] of gradient.flatMap((values) => [...values]).entries())
      expect(value).toBeCloseTo(-expected[i]!, 12);
  });

  it('takes the geometric mean of the ratios of an action or a sequence (GSPO, Eq. 7)', () => {
    const rows: LossRow[] = [
      { sequence: 'a', advantages: [1, 1], oldLogProbs: [-1, -2] },
      { sequence: 'a', advantages: [1], oldLogProbs: [-3] },
    ];
    const current = [Float64Array.of(-0.9, -2.3), Float64Array.of(-2.6)];
    const lossAt = (ratio: 'action' | 'sequence') =>
      evaluateLoss({ clip: { low: 1, high: 9 }, aggregation: 'token-mean', ratio }, rows, current).loss;
    expect(lossAt('sequence')).toBeCloseTo(-Math.exp((0.1 - 0.3 + 0.4) / 3), 12);
    expect(lossAt('action')).toBeCloseTo(-(2 * Math.exp((0.1 - 0.3) / 2) + Math.exp(0.4)) / 3, 12);
  });

  it('leaves tokens of weight 0 out as if they were not there', () => {
    fc.assert(
      fc.property(
        rowsArbitrary,
        fc.constantFrom(...AGGREGATIONS),
        fc.constantFrom(...RATIO_LEVELS),
        fc.constantFrom(0, 1, 100),
        (batch, aggregation, ratio, maxDualClipped) => {
          const objective: Objective = { ...plain, aggregation, ratio, maxDualClipped };
          const rows = batch.map(({ row }) => row);
          const current = batch.map((entry) => entry.current);
          const whole = evaluateLoss(objective, rows, current);
          // One more token per row, far past the dual clip, and one more row in a sequence of its own.
          const longer = rows.map((row) => ({
            ...row,
            advantages: [...row.advantages, -7],
            oldLogProbs: [...row.oldLogProbs, -3],
            referenceLogProbs: [...row.referenceLogProbs!, -2],
            weights: [...row.advantages.map(() => 1), 0],
          }));
          const extra: LossRow = {
            ...longer[0]!,
            sequence: 'nobody',
            weights: longer[0]!.weights.map(() => 0),
          };
          const padded = evaluateLoss(
            objective,
            [...longer, extra],
            [...current, current[0]!].map((array) => Float64Array.of(...array, -0.5)),
          );
          expect(padded.loss).toBeCloseTo(whole.loss, 12);
          expect(padded.klK1).toBeCloseTo(whole.klK1, 12);
          expect(padded.klK3).toBeCloseTo(whole.klK3, 12);
          expect(padded.clipFraction).toBeCloseTo(whole.clipFraction, 12);
          for (const [i, gradients] of whole.gradient.entries()) {
            expect([...padded.gradient[i]!].map((value) => value + 0)).toEqual(
              [...gradients, 0].map((value) => value + 0),
            );
          }
          expect(padded.gradient.at(-1)!.every((value) => value === 0)).toBe(true);
        },
      ),
    );
  });

  it('measures KL, clip fractions and ratios over the tokens that have a ratio, whatever else is trained', () => {
    fc.assert(
      fc.property(rowsArbitrary, fc.constantFrom(...RATIO_LEVELS), (batch, ratio) => {
        const objective: Objective = { ...plain, ratio, maxDualClipped: 1 };
        const rows = batch.map(({ row }) => row);
        const current = batch.map((entry) => entry.current);
        const own = evaluateLoss(objective, rows, current);
        const far = { ...rows[0]!, advantages: [-1, -1], oldLogProbs: [-3, -3], referenceLogProbs: [-3, -3] };
        // Both are in the sequence of a row that the policy has drawn.
        const others: LossRow[] = [
          { ...far, advantages: [0, 0], nllWeight: 0.5 },
          { ...far, offPolicy: 0.1 },
        ];
        const moved = Float64Array.of(-0.5, -0.5);
        const all = evaluateLoss(objective, [...rows, ...others], [...current, moved, moved]);
        for (const key of ['klK1', 'klK3', 'clipFraction'] as const)
          expect(all[key]).toBeCloseTo(own[key], 12);
      }),
    );
    const alone: LossRow = { sequence: 's', advantages: [0], oldLogProbs: [-3], nllWeight: 1 };
    expect(evaluateLoss(plain, [alone], [Float64Array.of(-1)])).toMatchObject({
      klK1: 0,
      klK3: 0,
      clipFraction: 0,
    });
  });

  it("scales a row's clip range", () => {
    const at = (clipScale: number): number =>
      evaluateLoss(
        { clip: { low: 0.2, high: 0.2 }, aggregation: 'token-mean' },
        [{ sequence: 's', advantages: [1], oldLogProbs: [-1], clipScale }],
        [Float64Array.of(-1 + Math.log(1.5))],
      ).loss;
    expect(at(1)).toBeCloseTo(-1.2, 12);
    expect(at(1.5)).toBeCloseTo(-1.3, 12);
  });

  // equation (*): PPO-clip
  it('clips where the ratio has gone further than the advantage justifies, and only there', () => {
    const at = (ratio: number, advantage: number) => {
      const row: LossRow = { sequence: 's', advantages: [advantage], oldLogProbs: [-1] };
      const objective: Objective = { clip: { low: 0.2, high: 0.2, dual: 3 }, aggregation: 'token-mean' };
      const result = evaluateLoss(objective, [row], [Float64Array.of(-1 + Math.log(ratio))]);
      return [result.loss, result.gradient[0]![0], result.clipFraction];
    };
    expect(at(1, 2)).toEqual([-2, -2, 0]);
    expect(at(1.5, 2)).toEqual([-2.4, -0, 1].map((value) => (value === 0 ? 0 : value)));
    expect(at(0.5, 2)[0]).toBeCloseTo(-1);
    expect(at(0.5, 2)[2]).toBe(0);
    expect(at(0.5, -2)[0]).toBeCloseTo(1.6);
    expect(at(0.5, -2)[2]).toBe(1);
    expect(at(2, -2)[0]).toBeCloseTo(4);
    expect(at(5, -2)[0]).toBe(6); // dual clip: 3 * 2 instead of 5 * 2
    expect(at(5, -2)[2]).toBe(1);
  });

  it('measures k1 and k3 over tokens', () => {
    const row: LossRow = { sequence: 's', advantages: [0, 0], oldLogProbs: [-1, -2] };
    const result = evaluateLoss(plain.kl ? { ...plain, kl: 0 } : plain, [row], [Float64Array.of(-1.5, -2)]);
    expect(result.klK1).toBeCloseTo(0.25);
    expect(result.klK3).toBeCloseTo((Math.exp(-0.5) - 1 + 0.5) / 2);
  });
});

describe('rowWeights', () => {
  // Two sequences: 'a' with 3 tokens in two rows, 'b' with 1.
  const rows: LossRow[] = [
    { sequence: 'a', advantages: [1, 1], oldLogProbs: [0, 0] },
    { sequence: 'a', advantages: [1], oldLogProbs: [0] },
    { sequence: 'b', advantages: [1], oldLogProbs: [0] },
  ];
  // equation (*): token-mean
  // equation (*): token-sum
  // equation (*): mean over
  it.each([
    ['token-mean', [1 / 4, 1 / 4, 1 / 4]],
    ['sequence-mean-token-mean', [1 / 6, 1 / 6, 1 / 2]],
    ['sequence-mean-token-sum', [1 / 2, 1 / 2, 1 / 2]],
    ['sequence-mean-token-sum-norm', [1 / 14, 1 / 14, 1 / 14]],
    ['token-sum-norm', [1 / 7, 1 / 7, 1 / 7]],
  ] as const)('of %s', (aggregation, expected) => {
    expect([...rowWeights({ ...plain, aggregation }, rows)]).toEqual(expected);
  });
});
