/** One trained action as the loss sees it. Arrays run over its tokens. */
export interface LossRow {
  /** Rows of the same sequence share one mean or sum. */
  readonly sequence: string;
  readonly advantages: readonly number[];
  /** Log-probabilities at sampling time. */
  readonly oldLogProbs: readonly number[];
  /** Log-probabilities under the reference policy; needed where `kl` > 0. */
  readonly referenceLogProbs?: ArrayLike<number>;
  /**
   * Weight of every token, at least 0; 1 if absent. Means divide by the sum of weights, so a token of weight
   * 0 is not there at all.
   */
  readonly weights?: readonly number[];
  /** Factor on this row's clip range, above 0; 1 if absent. */
  readonly clipScale?: number;
  /**
   * Trained by negative log-likelihood: the row's loss is -nllWeight * log p, summed over its tokens with their weights.
   * It is outside of the aggregation, has no ratio, no KL, and no advantage.
   */
  readonly nllWeight?: number;
  /**
   * The tokens were not drawn from the policy, so there is no ratio to clip. In its place stands p / (p + offPolicy),
   * p the policy's probability of the token: unlikely tokens are learned first (LUFFY, arXiv 2504.14945). Above 0.
   */
  readonly offPolicy?: number;
}
