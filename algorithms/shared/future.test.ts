import { describe, expect, it } from 'vitest';
import type { LossRow } from '../loss-row.ts';
import { evaluateLoss, type Objective } from '../objective.ts';
import { futureFactors } from './future.ts';

const released = { weight: 1, halfLife: 64, low: 1, high: 1.2, participation: 3, safety: 6 };
const row = (advantages: readonly number[], change: Partial<LossRow> = {}): LossRow => ({
  sequence: 's',
  advantages,
  oldLogProbs: advantages.map(() => -1),
  ...change,
});
const moved = (...moves: readonly number[]) => Float64Array.from(moves, (move) => -1 + move);

describe('futureFactors', () => {
  it('is 1 + b where nothing has moved', () => {
    expect(futureFactors(released, [row([1, -1])], [moved(0, 0)]).map((f) => [...f])).toEqual([[2, 2]]);
  });

  // equation (appo): A_t (1 + b f_t)
  it('sums the moves from a token on, discounted by distance, through the rows of a sequence and not beyond', () => {
    const wide = { ...released, low: 1e-9, high: 1e9, halfLife: 1 };
    const rows = [row([1, 1]), row([1]), row([1], { sequence: 'other' })];
    const [first, second, other] = futureFactors(wide, rows, [moved(0.1, 0.2), moved(0.4), moved(-0.3)]);
    expect(first![0]).toBeCloseTo(1 + Math.exp(0.1 + 0.2 / 2 + 0.4 / 4), 12);
    expect(first![1]).toBeCloseTo(1 + Math.exp(0.2 + 0.4 / 2), 12);
    expect(second![0]).toBeCloseTo(1 + Math.exp(0.4), 12);
    expect(other![0]).toBeCloseTo(1 + Math.exp(-0.3), 12);
  });

  it('is cut to its range, leaves far moves out, and is cut again where a bad token has become much likelier', () => {
    expect(futureFactors(released, [row([1])], [moved(0.5)])[0]![0]).toBe(2.2);
    expect(futureFactors(released, [row([1])], [moved(-0.5)])[0]![0]).toBe(2);
    expect(futureFactors({ ...released, low: 0.8 }, [row([1])], [moved(-0.5)])[0]![0]).toBe(1.8);
    expect(futureFactors(released, [row([1])], [moved(Math.log(3.1))])[0]![0]).toBe(2);
    const risky = [row([-1, -1])];
    expect([...futureFactors(released, risky, [moved(Math.log(6.1), 0.18)])[0]!]).toEqual([
      2,
      1 + Math.exp(0.18),
    ]);
  });

  it('does not see tokens of weight 0', () => {
    const wide = { ...released, low: 1e-9, high: 1e9, halfLife: 1 };
    const [factors] = futureFactors(wide, [row([1, 9, 1], { weights: [1, 0, 1] })], [moved(0.1, 5, 0.2)]);
    expect(factors![0]).toBeCloseTo(1 + Math.exp(0.1 + 0.2 / 2), 12);
  });
});

describe('the loss with future weighting', () => {
  const objective: Objective = { clip: { low: 0.2, high: 0.28, dual: 3 }, aggregation: 'token-mean' };

  it('multiplies advantages by the factors, as constants', () => {
    const logProbs = [moved(0.05, 0.1)];
    const weighted = evaluateLoss({ ...objective, future: released }, [row([1, 1])], logProbs);
    const factors = futureFactors(released, [row([1, 1])], logProbs)[0]!;
    const by = evaluateLoss(objective, [row([...factors])], logProbs);
    expect(weighted).toEqual(by);
  });

  // equation (appo): PPO-clip 0.2/0.28
  it('leaves sequences with too many tokens past the dual clip out, also of the mean', () => {
    const far = moved(Math.log(3.5), Math.log(4), 0);
    const rows = [row([-1, -1, -1]), row([1], { sequence: 'good' })];
    const kept = evaluateLoss({ ...objective, maxDualClipped: 2 }, rows, [far, moved(0.1)]);
    const left = evaluateLoss({ ...objective, maxDualClipped: 1 }, rows, [far, moved(0.1)]);
    const alone = evaluateLoss(objective, [rows[1]!], [moved(0.1)]);
    expect(left.loss).toBe(alone.loss);
    expect([...left.gradient[0]!]).toEqual([0, 0, 0]);
    expect(kept.loss).not.toBeCloseTo(alone.loss, 3);
  });
});

describe('rows trained by negative log-likelihood and off-policy rows', () => {
  const objective: Objective = { clip: { low: 0.2, high: 0.2 }, aggregation: 'token-mean', kl: 0.5 };

  it('the former add -nllWeight log p outside of the means', () => {
    const own = row([1], { referenceLogProbs: [-1] });
    const target = row([0, 0], { sequence: 't', nllWeight: 0.25, weights: [1, 0] });
    const both = evaluateLoss(objective, [own, target], [moved(0), moved(-1, -2)]);
    const alone = evaluateLoss(objective, [own], [moved(0)]);
    expect(both.loss).toBeCloseTo(alone.loss + 0.25 * 2, 12);
    expect([...both.gradient[0]!]).toEqual([...alone.gradient[0]!]);
    expect([...both.gradient[1]!]).toEqual([-0.25, 0]);
  });

  it('the latter have the gradient of p / (p + gamma), and no clip', () => {
    const far = row([1], { offPolicy: 0.1, oldLogProbs: [-9] });
    const at = (logProb: number) =>
      evaluateLoss({ clip: objective.clip, aggregation: 'token-mean' }, [far], [Float64Array.of(logProb)]);
    expect(at(-1).loss).toBeCloseTo(-Math.exp(-1) / (Math.exp(-1) + 0.1), 12);
    expect(at(-1).clipFraction).toBe(0);
    const gradient = (at(-1 + 1e-6).loss - at(-1 - 1e-6).loss) / 2e-6;
    expect(at(-1).gradient[0]![0]).toBeCloseTo(gradient, 8);
    // The same row on-policy is clipped: it has moved from -9 to -1.
    const { offPolicy: _, ...clipped } = far;
    expect(
      evaluateLoss({ clip: objective.clip, aggregation: 'token-mean' }, [clipped], [moved(0)]).clipFraction,
    ).toBe(1);
  });
});
