import { standardDeviation } from '../../core/statistics.ts';
import { mixture, type Outcomes, type StateOutcomes } from './outcomes.ts';

/** Exact criticality of a state. */
export interface Criticality {
  /**
   * Standard deviation over a' ~ pi(.|s) of the expected outcome after a' (Eq. 5; the environment's own randomness
   * is averaged out). At most half the range of returns.
   */
  readonly exact: number;
  /**
   * Standard deviation of the outcome itself, the environment's randomness included: what sampled outcomes estimate.
   * The same as `exact` where the environment draws nothing.
   */
  readonly outcome: number;
}

/** Criticality by enumeration, from the outcomes of every action. */
export function exactCriticality({ logProbs, outcomes }: StateOutcomes): Criticality {
  const means = outcomes.map((action) => [{ value: moments(action).mean, probability: 1 }]);
  return {
    exact: moments(weighted(logProbs, means)).deviation,
    outcome: moments(weighted(logProbs, outcomes)).deviation,
  };
}

/** The distribution of the outcome at a state: its action drawn from the policy. */
export function outcomeDistribution({ logProbs, outcomes }: StateOutcomes): Outcomes {
  return weighted(logProbs, outcomes);
}

function weighted(logProbs: Float64Array, outcomes: readonly Outcomes[]): Outcomes {
  return mixture(outcomes.map((action, index) => ({ weight: Math.exp(logProbs[index]!), outcomes: action })));
}

/** Mean and standard deviation of a distribution. */
export function moments(outcomes: Outcomes): { readonly mean: number; readonly deviation: number } {
  const mean = outcomes.reduce((sum, { value, probability }) => sum + probability * value, 0);
  const variance = outcomes.reduce(
    (sum, { value, probability }) => sum + probability * (value - mean) ** 2,
    0,
  );
  return { mean, deviation: Math.sqrt(variance) };
}

/**
 * Criticality from K sampled outcomes: the square root of the unbiased variance (divisor K - 1). Its square is
 * unbiased for the variance of the outcome; the root itself is biased down (`sampledCriticalityError`).
 */
export function sampledCriticality(outcomes: readonly number[]): number {
  return standardDeviation(outcomes, 'sample');
}

/** What `sampledCriticality` of K draws from a known distribution comes to. */
export interface SamplingError {
  /** Its expected value, below the true standard deviation. */
  readonly expected: number;
  /** Its own standard deviation: the error to state with one estimate. */
  readonly deviation: number;
}

/** Beyond so many ways to split K draws over the values, `samplingError` approximates. */
const MOST_SPLITS = 50_000;

/**
 * Expectation and standard deviation of `sampledCriticality` over K independent draws. Exact: the sum over all
 * counts of the distinct values, with multinomial probabilities. With very many distinct values instead to
 * second order: Var(s^2) = (mu4 - sigma^4 (K - 3) / (K - 1)) / K, E[s] = sigma - Var(s^2) / (8 sigma^3).
 * @param samples K, at least 2.
 */
export function samplingError(outcomes: Outcomes, samples: number): SamplingError {
  if (outcomes.length === 1) return { expected: 0, deviation: 0 };
  if (binomial(samples + outcomes.length - 1, outcomes.length - 1) > MOST_SPLITS) {
    const { mean, deviation } = moments(outcomes);
    const fourth = outcomes.reduce(
      (sum, { value, probability }) => sum + probability * (value - mean) ** 4,
      0,
    );
    const variance = (fourth - (deviation ** 4 * (samples - 3)) / (samples - 1)) / samples;
    return {
      expected: deviation - variance / (8 * deviation ** 3),
      deviation: Math.sqrt(variance) / (2 * deviation),
    };
  }
  let first = 0;
  let second = 0;
  // Depth first over the values: how many of the draws left take this value, and what that has come to so far.
  const visit = (index: number, left: number, probability: number, sum: number, squares: number): void => {
    const { value, probability: share } = outcomes[index]!;
    const last = index === outcomes.length - 1;
    for (let count = last ? left : 0; count <= left; count++) {
      const chance = probability * binomial(left, count) * share ** count;
      const [nextSum, nextSquares] = [sum + count * value, squares + count * value * value];
      if (!last) {
        visit(index + 1, left - count, chance, nextSum, nextSquares);
        continue;
      }
      const variance = Math.max(0, nextSquares - (nextSum * nextSum) / samples) / (samples - 1);
      first += chance * Math.sqrt(variance);
      second += chance * variance;
    }
  };
  visit(0, samples, 1, 0, 0);
  return { expected: first, deviation: Math.sqrt(Math.max(0, second - first * first)) };
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * (n - Math.min(k, n - k) + i)) / i;
  return result;
}
