import { binomialInterval } from './binomial.ts';
import { type Interval, withoutInterval } from './interval.ts';

/**
 * A performance profile (Agarwal et al. 2021): for every threshold the share of runs that score above it, with
 * its exact binomial interval, point by point.
 * @param scores one per seed, at least one. A score that is NaN is above nothing, but counts as a run.
 */
export function performanceProfile(
  scores: readonly number[],
  thresholds: readonly number[],
): readonly Interval[] {
  return thresholds.map((threshold) => {
    const above = scores.filter((score) => score > threshold).length;
    return scores.length < 2
      ? withoutInterval(above / scores.length, scores.length)
      : binomialInterval(above, scores.length);
  });
}
