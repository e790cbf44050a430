import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { mean, variance } from '../../core/statistics.ts';
import { binomialInterval } from './binomial.ts';
import type { Resamples } from './bootstrap.ts';
import { BOOTSTRAP_FROM, bcaInterval, type Interval, withoutInterval } from './interval.ts';
import { rocAuc } from './rank.ts';

/** Above this many pairs the bootstrap's n^2 comparisons per replicate take long, and t is as good. */
const BOOTSTRAP_UP_TO = 200;

/**
 * Probability of improvement: P(x > y) + P(x = y) / 2 for one draw of either, over all n m pairs (Mann and
 * Whitney's U / (n m)).
 * @returns 0 to 1; NaN if a value is NaN, null if a sample is empty.
 */
export function probabilityOfImprovement(x: readonly number[], y: readonly number[]): number | null {
  if ([...x, ...y].some(Number.isNaN)) return Number.NaN;
  return rocAuc(
    [...x, ...y],
    [...x, ...y].map((_, index) => index < x.length),
  );
}

/**
 * Probability of improvement of paired samples with its 95 % interval. Seeds are resampled in pairs, since both
 * sides meet the same questions and the same random numbers. Below ten pairs: t with the placements' variance (the paired
 * test of Munzel and Brunner 2002) on the logit scale; from ten on: BCa. Where one side always wins neither has
 * a spread, and the interval is the exact one of n wins in n pairs.
 * @param pairs the score of either side, one pair per seed, at least one.
 */
export function improvementInterval(
  pairs: readonly (readonly [x: number, y: number])[],
  resamples: Resamples,
): Interval {
  const n = pairs.length;
  const [x, y] = [pairs.map((pair) => pair[0]), pairs.map((pair) => pair[1])];
  const value = probabilityOfImprovement(x, y)!;
  if (n < 2 || Number.isNaN(value)) return withoutInterval(value, n);
  if (value === 0 || value === 1) return { ...binomialInterval(value * n, n), value };
  if (n >= BOOTSTRAP_FROM && n <= BOOTSTRAP_UP_TO) {
    const wins = x.map((one) => y.map((other) => win(one, other)));
    const statistic = (units: readonly number[]): number => {
      let sum = 0;
      for (const own of units) {
        const row = wins[own]!;
        for (const other of units) sum += row[other]!;
      }
      return sum / units.length ** 2;
    };
    return bcaInterval([...pairs.keys()], statistic, resamples);
  }
  // An influence function: where x of this seed stands among all y, less where its y stands among all x.
  const placements = x.map(
    (one, index) => mean(y.map((other) => win(one, other))) - mean(x.map((other) => win(y[index]!, other))),
  );
  const error = Math.sqrt(variance(placements) / n) / (value * (1 - value));
  if (error === 0) return withoutInterval(value, n);
  const half = tQuantile(0.975, n - 1) * error;
  const logit = Math.log(value / (1 - value));
  const end = (point: number): number => 1 / (1 + Math.exp(-point));
  return { value, low: end(logit - half), high: end(logit + half), method: 't', n };
}

const win = (one: number, other: number): number => (one > other ? 1 : one === other ? 0.5 : 0);
