import chiSquareQuantile from '@stdlib/stats-base-dists-chisquare-quantile';
import normalCdf from '@stdlib/stats-base-dists-normal-cdf';
import normalQuantile from '@stdlib/stats-base-dists-normal-quantile';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { InputError } from '../../core/errors.ts';

/** Most seeds that `seedsNeeded` looks at. */
const MOST_SEEDS = 1_000_000;
/** Simpson intervals: errors below 1e-10 for 1 to a million degrees of freedom. */
const STEPS = 2000;

/**
 * A difference to be found by a paired t test over seeds.
 * @experimental
 */
export interface PlannedComparison {
  /** Mean difference that is there to be found; its sign does not matter. */
  readonly difference: number;
  /** Standard deviation over seeds of the paired differences, above 0. */
  readonly deviation: number;
  /** Two-sided level, between 0 and 1. Default 0.05. */
  readonly alpha?: number;
}

/**
 * Power of the two-sided paired t test: P(|T| > t) for the noncentral T with n - 1 degrees of freedom and
 * noncentrality difference * sqrt(n) / deviation, integrated over the sample's standard deviation.
 * @param seeds 2 or more.
 * @experimental
 */
export function pairedPower({
  difference,
  deviation,
  alpha = 0.05,
  seeds,
}: PlannedComparison & { readonly seeds: number }): number {
  const degrees = seeds - 1;
  const critical = tQuantile(1 - alpha / 2, degrees);
  const shift = (Math.abs(difference) * Math.sqrt(seeds)) / deviation;
  // s = sample over true deviation has density proportional to s^(v - 1) exp(-v s^2 / 2).
  const width = 12 / Math.sqrt(2 * degrees);
  const [low, high] = [Math.max(0, 1 - width), 1 + width];
  let total = 0;
  let found = 0;
  for (let step = 0; step <= STEPS; step++) {
    const s = low + ((high - low) * step) / STEPS;
    const logDensity =
      degrees === 1 ? -(s * s) / 2 : (degrees - 1) * Math.log(s) - (degrees * (s * s - 1)) / 2;
    const weight = Math.exp(logDensity) * (step === 0 || step === STEPS ? 1 : step % 2 === 1 ? 4 : 2);
    total += weight;
    found += weight * (normalCdf(shift - critical * s, 0, 1) + normalCdf(-shift - critical * s, 0, 1));
  }
  return found / total;
}

/**
 * The fewest seeds with which the paired t test finds a difference at least as often as asked.
 * @param power chance of finding it, between `alpha` and 1. Default 0.8.
 * @throws InputError when the difference is 0, or a million seeds are not enough.
 * @experimental
 */
export function seedsNeeded({
  power = 0.8,
  ...comparison
}: PlannedComparison & { readonly power?: number }): number {
  const isEnough = (seeds: number): boolean => pairedPower({ ...comparison, seeds }) >= power;
  const { difference, deviation, alpha = 0.05 } = comparison;
  // A test that knows the deviation needs about so many; the t test a few more.
  const quantiles = normalQuantile(1 - alpha / 2, 0, 1) + normalQuantile(power, 0, 1);
  const known = Math.ceil(((quantiles * deviation) / Math.abs(difference)) ** 2);
  let low = known > 2 && known <= MOST_SEEDS && !isEnough(known - 1) ? known - 1 : 1;
  let high = low + 1;
  for (let step = 1; !isEnough(high); step *= 2) {
    low = high;
    high += step;
    if (high > MOST_SEEDS || difference === 0) {
      throw new InputError(
        `difference: ${difference} is too small to be found with ${MOST_SEEDS} seeds or fewer, at a standard deviation of ${deviation}; valid: a larger difference`,
      );
    }
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * What a normal sample's standard deviation leaves possible: the upper confidence limit of the true one.
 * @param n size of the sample, 2 or more. @param confidence one-sided. Default 0.8.
 */
export function deviationAtMost(deviation: number, n: number, confidence = 0.8): number {
  return deviation * Math.sqrt((n - 1) / chiSquareQuantile(1 - confidence, n - 1));
}

/**
 * The least difference that the paired t test finds with a given chance.
 * @param seeds 2 or more. @param power chance of finding it, between `alpha` and 1. Default 0.8.
 */
export function detectableDifference({
  deviation,
  seeds,
  alpha = 0.05,
  power = 0.8,
}: Omit<PlannedComparison, 'difference'> & { readonly seeds: number; readonly power?: number }): number {
  const isFound = (difference: number): boolean =>
    pairedPower({ difference, deviation, alpha, seeds }) >= power;
  let high = deviation;
  while (!isFound(high)) high *= 2;
  let low = 0;
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (isFound(middle)) high = middle;
    else low = middle;
  }
  return high;
}
