import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { mean, variance } from '../../core/statistics.ts';
import { interquartileMean, trimmedEachSide } from './average.ts';
import { bcaEnds, bootstrapDistribution, jackknife, type Resamples } from './bootstrap.ts';

/** How an interval was made: printed beside it. */
export type IntervalMethod =
  /** Student's t over seeds (for an IQM: Yuen's, with the winsorised variance). */
  | 't'
  /** Bias-corrected and accelerated bootstrap over seeds, levels expanded for their number. */
  | 'BCa'
  /** Clopper and Pearson's exact interval of a share. */
  | 'exact binomial'
  /** There is none: fewer than two values, or a value that is not finite. */
  | 'none';

/** A number over seeds with its 95 % interval. */
export interface Interval {
  /** The statistic; NaN if a value is. */
  readonly value: number;
  /** Ends of the interval; null if the method is 'none'. */
  readonly low: number | null;
  readonly high: number | null;
  readonly method: IntervalMethod;
  /** Values that it is over. */
  readonly n: number;
}

/** From this many values on the bootstrap is used: below, its intervals cover too little. */
export const BOOTSTRAP_FROM = 10;

/** A value without an interval. */
export const withoutInterval = (value: number, n: number): Interval => ({
  value,
  low: null,
  high: null,
  method: 'none',
  n,
});

/** The mean of at least one value with its t interval. */
export function tInterval(values: readonly number[], confidence = 0.95): Interval {
  const value = mean(values);
  const n = values.length;
  if (n < 2 || !values.every(Number.isFinite)) return withoutInterval(value, n);
  const half = tQuantile((1 + confidence) / 2, n - 1) * Math.sqrt(variance(values) / n);
  return { value, low: value - half, high: value + half, method: 't', n };
}

/**
 * The IQM of at least one value with Yuen's t interval: winsorised variance, h - 1 degrees of freedom for h values
 * that are not trimmed. Below four values nothing is trimmed and it is Student's.
 */
export function trimmedInterval(values: readonly number[], confidence = 0.95): Interval {
  const value = interquartileMean(values);
  const n = values.length;
  if (n < 2 || !values.every(Number.isFinite)) return withoutInterval(value, n);
  const sorted = Float64Array.from(values).sort();
  const trimmed = trimmedEachSide(n);
  const [lowest, highest] = [sorted[trimmed]!, sorted[n - 1 - trimmed]!];
  const winsorised = sorted.map((one) => Math.min(highest, Math.max(lowest, one)));
  const kept = n - 2 * trimmed;
  const error = Math.sqrt(((n - 1) * variance(winsorised)) / (kept * (kept - 1)));
  const half = tQuantile((1 + confidence) / 2, kept - 1) * error;
  return { value, low: value - half, high: value + half, method: 't', n };
}

/**
 * Mean or IQM over seeds with its 95 % interval: t below ten values, BCa from ten on.
 * @param values one number per seed, at least one. One that is not finite leaves the interval out.
 * @param statistic default 'mean'.
 * @experimental
 */
export function interval(
  values: readonly number[],
  { resamples, statistic = 'mean' }: { readonly resamples: Resamples; readonly statistic?: 'mean' | 'iqm' },
): Interval {
  if (values.length < BOOTSTRAP_FROM || !values.every(Number.isFinite)) {
    return statistic === 'mean' ? tInterval(values) : trimmedInterval(values);
  }
  const of = statistic === 'mean' ? mean : interquartileMean;
  return bcaInterval(values, (units) => of(units), resamples);
}

/** The BCa interval of any statistic of at least two units, all drawn together. No spread: no width. */
export function bcaInterval<Unit>(
  units: readonly Unit[],
  statistic: (units: readonly Unit[]) => number,
  resamples: Resamples,
): Interval {
  const request = {
    strata: [units],
    statistic: ([only]: readonly (readonly Unit[])[]) => statistic(only!),
    resamples,
  };
  const value = statistic(units);
  const n = units.length;
  const distribution = bootstrapDistribution(request);
  const ends = bcaEnds(distribution, value, jackknife(request), { units: n });
  if (ends !== null) return { value, low: ends[0], high: ends[1], method: 'BCa', n };
  const isConstant = distribution.every((replicate) => replicate === value);
  return isConstant ? { value, low: value, high: value, method: 'BCa', n } : withoutInterval(value, n);
}
