import betaQuantile from '@stdlib/stats-base-dists-beta-quantile';
import type { Interval } from './interval.ts';

/** A share of n independent trials with Clopper and Pearson's exact 95 % interval. */
export function binomialInterval(successes: number, n: number, confidence = 0.95): Interval {
  const tail = (1 - confidence) / 2;
  return {
    value: successes / n,
    low: successes === 0 ? 0 : betaQuantile(tail, successes, n - successes + 1),
    high: successes === n ? 1 : betaQuantile(1 - tail, successes + 1, n - successes),
    method: 'exact binomial',
    n,
  };
}
