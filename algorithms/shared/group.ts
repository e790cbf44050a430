/** Statistics of a group of returns that algorithms normalise with. float64. */

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Standard deviation: `sample` divides by n - 1 (verl's GRPO), `population` by n. The two
 * differ by sqrt(n / (n - 1)): 15 % at n = 4.
 */
export function standardDeviation(values: readonly number[], kind: 'sample' | 'population'): number {
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (kind === 'sample' ? values.length - 1 : values.length));
}

/**
 * z-scores of a group: (x - mean) / (std + epsilon). Values that are all equal, a single one included, become
 * exactly 0, so that rounding in the mean cannot be blown up by a small epsilon.
 */
export function standardized(
  values: readonly number[],
  kind: 'sample' | 'population',
  epsilon: number,
): readonly number[] {
  if (values.every((value) => value === values[0])) return values.map(() => 0);
  const center = mean(values);
  const scale = standardDeviation(values, kind) + epsilon;
  return values.map((value) => (value - center) / scale);
}
