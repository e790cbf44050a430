/**
 * The policy-gradient losses that algorithms share, in float64, as functions of log-probabilities alone.
 * A policy then only has to multiply d loss / d log-probability into its own Jacobian.
 * Names follow verl's vocabulary; the formulas are PPO's (arXiv 1707.06347), DAPO's
 * asymmetric clip (arXiv 2503.14476), the dual clip (arXiv 1912.09729) and the k3 estimator of the KL.
 */

/**
 * How token losses become one number.
 * - `token-mean`: mean over all trained tokens.
 * - `sequence-mean-token-mean`: mean over sequences of each one's mean over tokens (GRPO's paper).
 * - `sequence-mean-token-sum`: mean over sequences of each one's sum (the plain policy gradient).
 * - `token-sum-norm`: sum over all tokens divided by the constant `normalizer` (Dr. GRPO).
 */
export const AGGREGATIONS = [
  'sequence-mean-token-mean',
  'sequence-mean-token-sum',
  'token-mean',
  'token-sum-norm',
] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

export interface Objective {
  /** The ratio is clipped to [1 - low, 1 + high]. `dual` caps the loss at -dual * A where A < 0. */
  readonly clip: { readonly low: number; readonly high: number; readonly dual?: number };
  readonly aggregation: Aggregation;
  /** Divisor of `token-sum-norm`; it has no effect on the others. */
  readonly normalizer?: number;
  /** Weight of the k3 estimate of KL(policy || reference) in the loss; 0 or absent: none. */
  readonly kl?: number;
}

/** One trained action as the loss sees it. Arrays run over its tokens. */
export interface LossRow {
  /** Rows of the same sequence share one mean or sum. */
  readonly sequence: string;
  readonly advantages: readonly number[];
  /** Log-probabilities at sampling time. */
  readonly oldLogProbs: readonly number[];
  /** Log-probabilities under the reference policy; needed where `kl` > 0. */
  readonly referenceLogProbs?: ArrayLike<number>;
}

export interface Loss {
  readonly loss: number;
  /** d loss / d log-probability, per row and token. */
  readonly gradient: readonly Float64Array[];
  /** Means over tokens: old minus new log-probability; ratio - 1 - log ratio. */
  readonly klK1: number;
  readonly klK3: number;
  /** Share of tokens whose gradient the clip removed. */
  readonly clipFraction: number;
}

/**
 * The weight of every row's tokens in the loss. Depends on the whole optimizer step, never on how it is cut
 * into micro-batches.
 */
export function rowWeights(objective: Objective, rows: readonly LossRow[]): Float64Array {
  const tokens = new Map<string, number>();
  let total = 0;
  for (const row of rows) {
    tokens.set(row.sequence, (tokens.get(row.sequence) ?? 0) + row.advantages.length);
    total += row.advantages.length;
  }
  return Float64Array.from(rows, (row) => {
    switch (objective.aggregation) {
      case 'token-mean':
        return 1 / total;
      case 'sequence-mean-token-mean':
        return 1 / (tokens.size * tokens.get(row.sequence)!);
      case 'sequence-mean-token-sum':
        return 1 / tokens.size;
      case 'token-sum-norm':
        return 1 / (objective.normalizer ?? 1);
    }
  });
}

/** The loss of one optimizer step, its gradient and its diagnostics at the given log-probabilities. */
export function evaluateLoss(
  objective: Objective,
  rows: readonly LossRow[],
  logProbs: readonly ArrayLike<number>[],
): Loss {
  const weights = rowWeights(objective, rows);
  const { low, high, dual } = objective.clip;
  const kl = objective.kl ?? 0;
  let loss = 0;
  let k1 = 0;
  let k3 = 0;
  let clipped = 0;
  let tokens = 0;
  const gradient = rows.map((row, index) => {
    const current = logProbs[index]!;
    const weight = weights[index]!;
    const slopes = new Float64Array(row.advantages.length);
    for (let t = 0; t < slopes.length; t++) {
      const advantage = row.advantages[t]!;
      const difference = current[t]! - row.oldLogProbs[t]!;
      const ratio = Math.exp(difference);
      const surrogate = -ratio * advantage;
      const bounded = -Math.min(Math.max(ratio, 1 - low), 1 + high) * advantage;
      // L = max(-rA, -clip(r)A); where the clipped branch wins the ratio no longer moves the loss.
      let value = Math.max(surrogate, bounded);
      let slope = bounded > surrogate ? 0 : -ratio * advantage;
      if (dual !== undefined && advantage < 0 && value > -dual * advantage) {
        value = -dual * advantage;
        slope = 0;
      }
      if (slope === 0 && advantage !== 0) clipped++;
      if (kl > 0) {
        const gap = row.referenceLogProbs![t]! - current[t]!;
        value += kl * (Math.exp(gap) - gap - 1);
        slope += kl * (1 - Math.exp(gap));
      }
      loss += weight * value;
      slopes[t] = weight * slope;
      k1 -= difference;
      k3 += ratio - 1 - difference;
      tokens++;
    }
    return slopes;
  });
  const mean = (sum: number): number => (tokens === 0 ? 0 : sum / tokens);
  return { loss, gradient, klK1: mean(k1), klK3: mean(k3), clipFraction: mean(clipped) };
}
