import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { mean, variance } from '../../core/statistics.ts';
import { tInterval } from './interval.ts';
import { pairedTestP } from './paired.ts';
import { stratifiedDeviation, stratifiedInterval, stratifiedTestP } from './stratified.ts';

describe('a mean over strata', () => {
  it('is the t test and the t interval with one stratum', () => {
    const values = [0.3, 0.1, 0.25, -0.1, 0.4];
    expect(stratifiedTestP([values])).toBeCloseTo(pairedTestP(values)!, 12);
    const own = stratifiedInterval([values]);
    const plain = tInterval(values);
    expect([own.value, own.low, own.high]).toEqual([plain.value, plain.low, plain.high]);
    expect(stratifiedDeviation([values])).toBeCloseTo(Math.sqrt(variance(values)), 12);
  });

  it('has the degrees of freedom of all strata together when they spread alike', () => {
    // Two strata of 3, mean 1 and 5, variance 1 each: error sqrt(2 / 3) / 2, 4 degrees of freedom.
    const strata = [
      [0, 1, 2],
      [4, 5, 6],
    ];
    const { value, high } = stratifiedInterval(strata);
    expect(value).toBe(3);
    // The 97.5 % quantile of t with 4 degrees of freedom is 2.776445.
    expect(high! - value).toBeCloseTo((2.776445 * Math.sqrt(2 / 3)) / 2, 5);
  });

  it('is not defined without spread, with one value, or one that is not finite', () => {
    expect(
      stratifiedTestP([
        [0, 0],
        [0, 0],
      ]),
    ).toBe(1);
    expect(
      stratifiedTestP([
        [0.5, 0.5],
        [0.5, 0.5],
      ]),
    ).toBeNull();
    expect(stratifiedTestP([[0.5], [0.5, 0.6]])).toBeNull();
    expect(
      stratifiedTestP([
        [0.5, Number.NaN],
        [0.5, 0.6],
      ]),
    ).toBeNull();
    expect(stratifiedInterval([[0.5], [0.7]])).toMatchObject({ value: 0.6, low: null, method: 'none' });
  });

  it('rejects what is true in 5 % of cases, with strata of very different spread and of lock-in', () => {
    const random = createRandom(7);
    const draw = {
      bell: () => random.uniform() + random.uniform() + random.uniform() - 1.5,
      // A rare, large miss, as of a run that got stuck: centred.
      stuck: () => (random.uniform() < 0.2 ? -0.8 : 0.2),
    };
    for (const kinds of [
      ['bell', 'bell', 'bell', 'bell'],
      ['bell', 'stuck', 'stuck', 'bell'],
    ] as const) {
      let rejected = 0;
      const cases = 2000;
      for (let at = 0; at < cases; at++) {
        const strata = kinds.map((kind, level) =>
          Array.from({ length: 10 }, () => (kind === 'bell' ? 0.02 * (level + 1) : 0.1) * draw[kind]()),
        );
        if (stratifiedTestP(strata)! < 0.05) rejected++;
      }
      // Standard deviation of the share: 0.5 points.
      expect(rejected / cases).toBeLessThan(0.075);
      expect(rejected / cases).toBeGreaterThan(0.03);
    }
  });

  it('finds what the mean over strata by seed does not: it has more degrees of freedom', () => {
    const random = createRandom(3);
    const strata = Array.from({ length: 5 }, () =>
      Array.from({ length: 10 }, () => 0.1 + 0.2 * (random.uniform() - 0.5)),
    );
    const bySeed = strata[0]!.map((_, seed) => mean(strata.map((values) => values[seed]!)));
    expect(stratifiedTestP(strata)!).toBeLessThan(pairedTestP(bySeed)! / 100);
  });
});
