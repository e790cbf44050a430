import type { LossRow } from './loss-row.ts';
import { type FutureWeighting, futureFactors } from './shared/future.ts';

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
 * - `sequence-mean-token-sum-norm`: the same, divided by the constant `normalizer` (Dr. GRPO's own release).
 * - `token-sum-norm`: sum over all tokens divided by the constant `normalizer` (no mean over sequences).
 */
export const AGGREGATIONS = [
  'sequence-mean-token-mean',
  'sequence-mean-token-sum',
  'sequence-mean-token-sum-norm',
  'token-mean',
  'token-sum-norm',
] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

/**
 * What is clipped against the behaviour policy: the ratio of every token; the geometric mean of an action's
 * token ratios (one row); or that of a whole sequence, all its rows together (GSPO, arXiv 2507.18071, Eq. 7).
 */
export const RATIO_LEVELS = ['action', 'sequence', 'token'] as const;
export type RatioLevel = (typeof RATIO_LEVELS)[number];

export interface Objective {
  /** Default: token. */
  readonly ratio?: RatioLevel;
  /** The ratio is clipped to [1 - low, 1 + high]. `dual` caps the loss at -dual * A where A < 0. */
  readonly clip: { readonly low: number; readonly high: number; readonly dual?: number };
  readonly aggregation: Aggregation;
  /** Divisor of the aggregations that end in `-norm`; it has no effect on the others. */
  readonly normalizer?: number;
  /** Weight of the k3 estimate of KL(policy || reference) in the loss; 0 or absent: none. */
  readonly kl?: number;
  /** Scales every advantage by how far the policy has moved on the tokens after it (APPO); absent: none. */
  readonly future?: FutureWeighting;
  /** Sequences with more tokens than this past the dual clip are left out of the step; absent: none are. */
  readonly maxDualClipped?: number;
}

export interface Loss {
  readonly loss: number;
  /** d loss / d log-probability, per row and token. */
  readonly gradient: readonly Float64Array[];
  /** Means over the tokens that have a ratio: old minus new log-probability; ratio - 1 - log ratio. 0 without any. */
  readonly klK1: number;
  readonly klK3: number;
  /** Share of the same tokens whose gradient the clip removed. */
  readonly clipFraction: number;
}

/**
 * The weight in the loss of a row's tokens, each to be multiplied by the token's own weight. Depends on the
 * whole optimizer step, never on how it is cut into micro-batches.
 */
export function rowWeights(objective: Objective, rows: readonly LossRow[]): Float64Array {
  const tokens = new Map<string, number>();
  let total = 0;
  for (const row of rows) {
    if (row.nllWeight !== undefined) continue;
    const count = weightOf(row);
    tokens.set(row.sequence, (tokens.get(row.sequence) ?? 0) + count);
    total += count;
  }
  // A sequence without any weight is not there either.
  const sequences = [...tokens.values()].filter((count) => count > 0).length;
  return Float64Array.from(rows, (row) => {
    if (weightOf(row) === 0) return 0;
    if (row.nllWeight !== undefined) return row.nllWeight;
    switch (objective.aggregation) {
      case 'token-mean':
        return 1 / total;
      case 'sequence-mean-token-mean':
        return 1 / (sequences * tokens.get(row.sequence)!);
      case 'sequence-mean-token-sum':
        return 1 / sequences;
      case 'sequence-mean-token-sum-norm':
        return 1 / (sequences * (objective.normalizer ?? 1));
      case 'token-sum-norm':
        return 1 / (objective.normalizer ?? 1);
    }
  });
}

/** 0: the token is not there. */
const tokenWeight = ({ weights }: LossRow, t: number): number => weights?.[t] ?? 1;

/** Rows trained by negative log-likelihood have no ratio, nor have off-policy rows: the policy did not draw them. */
const hasRatio = ({ nllWeight, offPolicy }: LossRow): boolean =>
  nllWeight === undefined && offPolicy === undefined;

const weightOf = ({ weights, advantages }: LossRow): number =>
  weights === undefined ? advantages.length : weights.reduce((sum, weight) => sum + weight, 0);

/**
 * The log of the ratio that is clipped, for every token: its own difference of log-probabilities, or the mean
 * over its action or sequence, tokens of weight 0 left out.
 */
function logRatios(
  level: RatioLevel,
  rows: readonly LossRow[],
  logProbs: readonly ArrayLike<number>[],
): readonly Float64Array[] {
  const own = rows.map((row, index) =>
    Float64Array.from(row.oldLogProbs, (old, t) => logProbs[index]![t]! - old),
  );
  if (level === 'token') return own;
  const sums = new Map<string | number, { sum: number; count: number }>();
  const keyOf = (index: number): string | number => (level === 'action' ? index : rows[index]!.sequence);
  for (const [index, row] of rows.entries()) {
    if (!hasRatio(row)) continue;
    const entry = sums.get(keyOf(index)) ?? { sum: 0, count: 0 };
    for (const [t, difference] of own[index]!.entries()) {
      if (tokenWeight(row, t) === 0) continue;
      entry.sum += difference;
      entry.count++;
    }
    sums.set(keyOf(index), entry);
  }
  return own.map((differences, index) => {
    const { sum, count } = sums.get(keyOf(index)) ?? { sum: 0, count: 0 };
    return differences.map(() => (count === 0 ? 0 : sum / count));
  });
}

/** What one token adds to the loss, its gradient, and whether the clip took the gradient away. */
interface TokenLoss {
  readonly value: number;
  readonly gradient: number;
  readonly clipped: boolean;
}

/** PPO-clip: L = max(-rA, -clip(r)A); where the clipped branch wins the ratio no longer moves the loss. */
function clipped(
  ratio: number,
  advantage: number,
  { low, high, dual }: Objective['clip'],
  scale: number,
): TokenLoss {
  const surrogate = -ratio * advantage;
  const bounded = -Math.min(Math.max(ratio, 1 - low * scale), 1 + high * scale) * advantage;
  if (isDualClipped(ratio, advantage, dual)) {
    return { value: -dual! * advantage, gradient: 0, clipped: true };
  }
  // Of a mean of log ratios every token carries its own part of the gradient, as GSPO's token form has it.
  const isBounded = bounded > surrogate;
  return {
    value: Math.max(surrogate, bounded),
    gradient: isBounded ? 0 : surrogate,
    clipped: isBounded && advantage !== 0,
  };
}

const isDualClipped = (ratio: number, advantage: number, dual: number | undefined): boolean =>
  dual !== undefined && advantage < 0 && ratio > dual;

function tokenLoss(
  row: LossRow,
  advantage: number,
  logProb: number,
  ratio: number,
  clip: Objective['clip'],
): TokenLoss {
  if (row.nllWeight !== undefined) return { value: -logProb, gradient: -1, clipped: false };
  if (row.offPolicy === undefined) return clipped(ratio, advantage, clip, row.clipScale ?? 1);
  const probability = Math.exp(logProb);
  const share = probability / (probability + row.offPolicy);
  return { value: -share * advantage, gradient: -share * (1 - share) * advantage, clipped: false };
}

/** Rows of sequences with too many tokens past the dual clip become rows of weight 0. */
function withoutDualClipped(
  { clip, maxDualClipped }: Objective,
  rows: readonly LossRow[],
  ratios: readonly Float64Array[],
): readonly LossRow[] {
  if (maxDualClipped === undefined) return rows;
  const counts = new Map<string, number>();
  for (const [index, row] of rows.entries()) {
    const clipped = row.advantages.filter(
      (advantage, t) =>
        hasRatio(row) &&
        tokenWeight(row, t) > 0 &&
        isDualClipped(Math.exp(ratios[index]![t]!), advantage, clip.dual),
    );
    counts.set(row.sequence, (counts.get(row.sequence) ?? 0) + clipped.length);
  }
  return rows.map((row) =>
    counts.get(row.sequence)! > maxDualClipped ? { ...row, weights: row.advantages.map(() => 0) } : row,
  );
}

/** The loss of one optimizer step, its gradient and its diagnostics at the given log-probabilities. */
export function evaluateLoss(
  objective: Objective,
  all: readonly LossRow[],
  logProbs: readonly ArrayLike<number>[],
): Loss {
  const { ratio: level = 'token', clip, future } = objective;
  const ratios = logRatios(level, all, logProbs);
  const rows = withoutDualClipped(objective, all, ratios);
  const factors = future === undefined ? undefined : futureFactors(future, rows, logProbs);
  const rowShare = rowWeights(objective, rows);
  const kl = objective.kl ?? 0;
  let loss = 0;
  let k1 = 0;
  let k3 = 0;
  let clippedTokens = 0;
  let tokens = 0;
  const gradient = rows.map((row, index) => {
    const current = logProbs[index]!;
    const gradients = new Float64Array(row.advantages.length);
    for (let t = 0; t < gradients.length; t++) {
      const weight = rowShare[index]! * tokenWeight(row, t);
      if (weight === 0) continue;
      const advantage = row.advantages[t]! * (factors === undefined ? 1 : factors[index]![t]!);
      const own = tokenLoss(row, advantage, current[t]!, Math.exp(ratios[index]![t]!), clip);
      let { value, gradient } = own;
      if (kl > 0 && row.nllWeight === undefined) {
        const gap = row.referenceLogProbs![t]! - current[t]!;
        value += kl * (Math.exp(gap) - gap - 1);
        gradient += kl * (1 - Math.exp(gap));
      }
      loss += weight * value;
      gradients[t] = weight * gradient;
      if (!hasRatio(row)) continue;
      if (own.clipped) clippedTokens++;
      const difference = current[t]! - row.oldLogProbs[t]!;
      k1 -= difference;
      k3 += Math.exp(difference) - 1 - difference;
      tokens++;
    }
    return gradients;
  });
  const mean = (sum: number): number => (tokens === 0 ? 0 : sum / tokens);
  return { loss, gradient, klK1: mean(k1), klK3: mean(k3), clipFraction: mean(clippedTokens) };
}
