import { mean } from '../../core/statistics.ts';

/**
 * Standard error of a mean over questions of one policy, where questions that share a cluster (a source passage)
 * are not independent: the root of sum over clusters of (sum of deviations)^2, times C / (C - 1) for few
 * clusters, over n (Miller 2024, eq. 4; Liang and Zeger 1986). It says how well these questions measure this
 * policy and nothing about other training seeds: never add it to an error over seeds.
 * @param clusters as long as `values`; a cluster of its own for every question gives the usual standard error.
 * @returns null for fewer than two clusters.
 * @experimental
 */
export function clusteredError(values: readonly number[], clusters: readonly string[]): number | null {
  const center = mean(values);
  const sums = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    const cluster = clusters[index]!;
    sums.set(cluster, (sums.get(cluster) ?? 0) + value - center);
  }
  if (sums.size < 2) return null;
  const squares = [...sums.values()].reduce((sum, one) => sum + one * one, 0);
  return Math.sqrt((squares * sums.size) / (sums.size - 1)) / values.length;
}
