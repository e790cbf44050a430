import tCdf from '@stdlib/stats-base-dists-t-cdf';
import { mean } from '../../core/statistics.ts';

/** Ranks from 1, equal values sharing the mean of the ranks that they cover. */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, index) => index);
  order.sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let at = start; at < end; at++) ranks[order[at]!] = (start + end + 1) / 2;
    start = end;
  }
  return ranks;
}

/**
 * Area under the ROC curve: the probability that a positive scores above a negative, ties counting half.
 * @param scores any finite numbers, higher meaning "more likely positive".
 * @param positive as long as `scores`.
 * @returns 0 to 1; null if one of the classes is empty.
 */
export function rocAuc(scores: readonly number[], positive: readonly boolean[]): number | null {
  const ranks = averageRanks(scores);
  let rankSum = 0;
  let positives = 0;
  for (const [index, isPositive] of positive.entries()) {
    if (!isPositive) continue;
    rankSum += ranks[index]!;
    positives++;
  }
  const negatives = scores.length - positives;
  if (positives === 0 || negatives === 0) return null;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/**
 * Cliff's delta: P(x > y) - P(x < y) over all pairs, the same as 2 AUC - 1.
 * @returns -1 to 1, positive where `x` tends to be greater; null if one sample is empty.
 */
export function cliffsDelta(x: readonly number[], y: readonly number[]): number | null {
  const auc = rocAuc(
    [...x, ...y],
    [...x, ...y].map((_, index) => index < x.length),
  );
  return auc === null ? null : 2 * auc - 1;
}

/** The Brunner-Munzel test of P(x < y) + P(x = y) / 2 = 1/2. */
export interface BrunnerMunzel {
  /** Positive where `y` tends to be greater. */
  readonly statistic: number;
  /** Degrees of freedom of the t approximation (Satterthwaite). */
  readonly degreesOfFreedom: number;
  /** Two-sided, by the t approximation. */
  readonly p: number;
}

/**
 * The Brunner-Munzel test (2000), for samples with different variances and with ties; as SciPy's
 * `brunnermunzel(x, y)`. It takes the observations as independent.
 * @returns null if a sample has fewer than two values or the samples do not overlap at all (the statistic
 * is then infinite and the t approximation does not apply).
 */
export function brunnerMunzel(x: readonly number[], y: readonly number[]): BrunnerMunzel | null {
  const [n, m] = [x.length, y.length];
  if (n < 2 || m < 2) return null;
  const pooled = averageRanks([...x, ...y]);
  const [pooledX, pooledY] = [pooled.slice(0, n), pooled.slice(n)];
  // Variance of (rank among all - rank among its own): how much placements vary.
  const placementVariance = (own: Float64Array, among: Float64Array): number => {
    const shift = mean(among) - mean(own);
    const squares = among.reduce((sum, rank, index) => sum + (rank - own[index]! - shift) ** 2, 0);
    return squares / (own.length - 1);
  };
  const weightX = n * placementVariance(averageRanks(x), pooledX);
  const weightY = m * placementVariance(averageRanks(y), pooledY);
  if (weightX + weightY === 0) return null;
  const statistic = (n * m * (mean(pooledY) - mean(pooledX))) / ((n + m) * Math.sqrt(weightX + weightY));
  const degreesOfFreedom = (weightX + weightY) ** 2 / (weightX ** 2 / (n - 1) + weightY ** 2 / (m - 1));
  return { statistic, degreesOfFreedom, p: 2 * tCdf(-Math.abs(statistic), degreesOfFreedom) };
}
