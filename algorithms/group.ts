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
