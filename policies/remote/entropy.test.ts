import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chosenEntropy, entropyBounds } from './entropy.ts';

const exact = (probabilities: readonly number[]): number =>
  probabilities.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);

/** Distributions, some of them peaked, the likeliest first. */
const distributions = fc
  .array(fc.double({ min: -12, max: 0, noNaN: true }), { minLength: 2, maxLength: 60 })
  .map((scores) => {
    const weights = scores.map(Math.exp);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum).sort((a, b) => b - a);
  });

describe('entropyBounds', () => {
  it('holds the exact entropy, and closer the more is known', () => {
    fc.assert(
      fc.property(distributions, fc.nat(), fc.nat(), (probabilities, count, another) => {
        const size = probabilities.length;
        const known = 1 + (count % size);
        const of = (length: number, also?: number) =>
          entropyBounds(probabilities.slice(0, length).map(Math.log), size, also);
        const { lower, upper } = of(known);
        const entropy = exact(probabilities);
        // Up to 1e-6 of the probability is taken for none.
        expect(lower).toBeLessThanOrEqual(entropy + 1e-9);
        expect(upper).toBeGreaterThanOrEqual(entropy - 3e-5);
        const more = of(Math.min(size, known + 1));
        expect(more.upper - more.lower).toBeLessThanOrEqual(upper - lower + 3e-5);
        if (known === size) return;
        const other = known + (another % (size - known));
        const also = of(known, Math.log(probabilities[other]!));
        expect(also.lower).toBeLessThanOrEqual(entropy + 1e-9);
        expect(also.upper).toBeGreaterThanOrEqual(entropy - 3e-5);
      }),
    );
  });

  it('is reached by the flattest and by the most peaked rest', () => {
    const top = [0.4, 0.1].map(Math.log);
    // 0.5 is left for eight others, none above 0.1.
    const { lower, upper } = entropyBounds(top, 10);
    expect(upper).toBeCloseTo(exact([0.4, 0.1, ...new Array(8).fill(0.0625)]), 12);
    expect(lower).toBeCloseTo(exact([0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]), 12);
    expect(entropyBounds([0.4, 0.15].map(Math.log), 10).lower).toBeCloseTo(
      exact([0.4, 0.15, 0.15, 0.15, 0.15]),
      12,
    );
  });

  it('is the entropy itself if all is known', () => {
    const probabilities = [0.5, 0.3, 0.2];
    const { lower, upper } = entropyBounds(probabilities.map(Math.log), 100);
    expect(lower).toBeCloseTo(exact(probabilities), 12);
    expect(upper).toBe(lower);
  });

  it('is chosen by name', () => {
    const bounds = { lower: 1, upper: 3 };
    expect((['lower', 'middle', 'upper'] as const).map((choice) => chosenEntropy(bounds, choice))).toEqual([
      1, 2, 3,
    ]);
  });
});
