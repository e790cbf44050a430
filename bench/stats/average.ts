import { mean } from '../../core/statistics.ts';

/** How many values a quarter trims at either end: SciPy's and rliable's rounding, down. */
export const trimmedEachSide = (n: number): number => Math.floor(n / 4);

/**
 * Interquartile mean: the mean of what is left when a quarter of the values, rounded down, is taken off either
 * end (Agarwal et al. 2021; SciPy's `trim_mean(values, 0.25)`). Below four values nothing is taken off.
 * @returns NaN if a value is NaN: sorting would hide it.
 */
export function interquartileMean(values: ArrayLike<number>): number {
  const sorted = new Float64Array(values.length);
  sorted.set(values);
  sorted.sort();
  if (Number.isNaN(sorted.at(-1))) return Number.NaN;
  const trimmed = trimmedEachSide(sorted.length);
  return mean(sorted.subarray(trimmed, sorted.length - trimmed));
}
