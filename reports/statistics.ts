import tQuantile from '@stdlib/stats-base-dists-t-quantile';

/** Mean over seeds and what is known of its error. */
export interface Estimate {
  readonly mean: number;
  /** Standard deviation of the sample / sqrt(n); null for fewer than two values. */
  readonly standardError: number | null;
  /** Half the width of the 95 % interval of Student's t; null for fewer than two values. */
  readonly halfWidth: number | null;
}

/** Mean and 95 % t interval of at least one value. */
export function estimate(values: readonly number[]): Estimate {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { mean, standardError: null, halfWidth: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const standardError = Math.sqrt(variance / n);
  return { mean, standardError, halfWidth: tQuantile(0.975, n - 1) * standardError };
}
