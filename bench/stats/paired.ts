import tCdf from '@stdlib/stats-base-dists-t-cdf';
import { mean, variance } from '../../core/statistics.ts';

/**
 * Two-sided p of the paired t test that differences have mean 0.
 * @param differences one per seed that both have (common random numbers: same questions, same random numbers).
 * @returns 1 where all are 0; null if it is not defined: fewer than two, no spread, or one is not finite.
 */
export function pairedTestP(differences: readonly number[]): number | null {
  const n = differences.length;
  if (n < 2 || !differences.every(Number.isFinite)) return null;
  if (differences.every((difference) => difference === 0)) return 1;
  const center = mean(differences);
  const error = Math.sqrt(variance(differences) / n);
  // Equal differences differ by rounding only; their t would be an accident of it.
  if (error <= 1e-12 * Math.abs(center)) return null;
  return 2 * tCdf(-Math.abs(center / error), n - 1);
}
