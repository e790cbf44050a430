/** The mean of at least one value, summed in their order. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]!;
  return sum / values.length;
}

/**
 * What squared distances from the mean are divided by: `sample` n - 1, `population` n. Standard deviations of the two
 * differ by sqrt(n / (n - 1)): 15 % at n = 4.
 */
export type Divisor = 'sample' | 'population';

/** Variance of at least one value, of two if the divisor is n - 1. Default: `sample`. */
export function variance(values: ArrayLike<number>, divisor: Divisor = 'sample'): number {
  const center = mean(values);
  let squares = 0;
  for (let index = 0; index < values.length; index++) squares += (values[index]! - center) ** 2;
  return squares / (divisor === 'sample' ? values.length - 1 : values.length);
}

/** Square root of the variance. */
export function standardDeviation(values: ArrayLike<number>, divisor: Divisor): number {
  return Math.sqrt(variance(values, divisor));
}

/** Differences of at most this share of the largest absolute value are the rounding of float64 sums. */
export const ROUNDING = 1e-12;

/**
 * Whether values are equal up to rounding: the largest and the smallest differ by at most `ROUNDING` of their scale.
 * @param scale the size of what the values were computed from, if that is more than their own. Default 0.
 * @returns true for no values and for a single one.
 */
export function areEqual(values: readonly number[], scale = 0): boolean {
  const first = values[0];
  if (values.every((value) => value === first)) return true;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high - low <= ROUNDING * Math.max(scale, Math.abs(low), Math.abs(high));
}
