import type { LossRow } from '../loss-row.ts';

/**
 * Scales advantages by how far the policy has moved on the tokens that follow: FIPO's Future-KL (arXiv 2603.19835) as
 * APPO's released loss has it (`loss_mode=future_kl`).
 *
 * D_k = log p - log p_old of token k, or 0 where it is above ln `participation`;
 * F_t = sum over the sequence's tokens k >= t of 2^(-(k - t) / halfLife) D_k;
 * f_t = exp(F_t) cut to [low, high], a constant for the gradient; the advantage becomes A_t (1 + weight f_t).
 */
export interface FutureWeighting {
  /** b, at least 0. */
  readonly weight: number;
  /** Tokens after which a token counts half, above 0. */
  readonly halfLife: number;
  /** Range of f, 0 < low <= high. */
  readonly low: number;
  readonly high: number;
  /** Ratio above which a token is left out of the sum, above 1. */
  readonly participation: number;
  /** Ratio above which a token of negative advantage has f cut to [0.8, 1]. */
  readonly safety: number;
}

/**
 * The factor 1 + weight f_t of every token. Distances are counted in trained tokens of the sequence, in the order of its
 * rows; tokens of weight 0 are not there.
 */
export function futureFactors(
  { weight, halfLife, low, high, participation, safety }: FutureWeighting,
  rows: readonly LossRow[],
  logProbs: readonly ArrayLike<number>[],
): readonly Float64Array[] {
  const decay = 2 ** (-1 / halfLife);
  const limit = Math.log(participation);
  const sums = new Map<string, number>();
  const result: Float64Array[] = [];
  for (let index = rows.length - 1; index >= 0; index--) {
    const { sequence, advantages, oldLogProbs, weights } = rows[index]!;
    const factors = new Float64Array(advantages.length);
    let sum = sums.get(sequence) ?? 0;
    for (let t = factors.length - 1; t >= 0; t--) {
      if ((weights?.[t] ?? 1) === 0) continue;
      const move = logProbs[index]![t]! - oldLogProbs[t]!;
      sum = decay * sum + (move <= limit ? move : 0);
      const future = Math.min(Math.max(Math.exp(sum), low), high);
      const isRisky = advantages[t]! < 0 && Math.exp(move) > safety;
      factors[t] = 1 + weight * (isRisky ? Math.min(Math.max(future, 0.8), 1) : future);
    }
    sums.set(sequence, sum);
    result[index] = factors;
  }
  return result;
}
