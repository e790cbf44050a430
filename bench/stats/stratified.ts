import tCdf from '@stdlib/stats-base-dists-t-cdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { mean, variance } from '../../core/statistics.ts';
import { type Interval, withoutInterval } from './interval.ts';

/** A mean over strata with its standard error and Welch and Satterthwaite's degrees of freedom. */
interface Estimate {
  readonly value: number;
  readonly error: number;
  readonly degrees: number;
}

/**
 * The mean over strata of their means, every stratum weighing the same. Values of different strata are independent: the
 * error comes from the spread within strata, sum_l s_l^2 / n_l over the squared number of strata, whatever their means.
 */
function estimate(strata: readonly (readonly number[])[]): Estimate {
  const parts = strata.map((values) => variance(values) / values.length);
  const total = parts.reduce((sum, part) => sum + part, 0);
  const squares = parts.reduce((sum, part, index) => sum + part ** 2 / (strata[index]!.length - 1), 0);
  return {
    value: mean(strata.map((values) => mean(values))),
    error: Math.sqrt(total) / strata.length,
    degrees: squares > 0 ? total ** 2 / squares : strata[0]!.length - 1,
  };
}

const isDefined = (strata: readonly (readonly number[])[]): boolean =>
  strata.length > 0 && strata.every((values) => values.length >= 2 && values.every(Number.isFinite));

/**
 * A mean over strata of equal weight with its 95 % t interval.
 * @param strata independent of each other, each with one value per seed; with fewer than two in one there is no interval.
 */
export function stratifiedInterval(strata: readonly (readonly number[])[], confidence = 0.95): Interval {
  const n = Math.min(...strata.map((values) => values.length));
  if (!isDefined(strata)) return withoutInterval(mean(strata.map((values) => mean(values))), n);
  const { value, error, degrees } = estimate(strata);
  const half = tQuantile((1 + confidence) / 2, degrees) * error;
  return { value, low: value - half, high: value + half, method: 't', n };
}

/**
 * Two-sided p of the t test that the mean over strata is 0.
 * @returns 1 if all values are 0; null if it is not defined: fewer than two values in a stratum, no spread, or one that
 * is not finite.
 */
export function stratifiedTestP(strata: readonly (readonly number[])[]): number | null {
  if (!isDefined(strata)) return null;
  if (strata.every((values) => values.every((value) => value === 0))) return 1;
  const { value, error, degrees } = estimate(strata);
  // Equal values differ by rounding only; their t would be an accident of it.
  if (error <= 1e-12 * Math.abs(value)) return null;
  return 2 * tCdf(-Math.abs(value / error), degrees);
}

/** Standard deviation of one seed's mean over the strata: what power is computed with. */
export const stratifiedDeviation = (strata: readonly (readonly number[])[]): number =>
  estimate(strata).error * Math.sqrt(strata[0]!.length);
