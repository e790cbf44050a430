/** How often a threshold is wrong. */
export interface ErrorRates {
  /** Share of the negatives that score above the threshold; null without negatives. */
  readonly falsePositive: number | null;
  /** Share of the positives that do not; null without positives. */
  readonly falseNegative: number | null;
}

/** Error rates of the rule "positive where score > threshold". */
export function errorRates(
  scores: readonly number[],
  positive: readonly boolean[],
  threshold: number,
): ErrorRates {
  let positives = 0;
  let missed = 0;
  let raised = 0;
  for (const [index, score] of scores.entries()) {
    if (positive[index]) {
      positives++;
      if (score <= threshold) missed++;
    } else if (score > threshold) raised++;
  }
  const negatives = scores.length - positives;
  return {
    falsePositive: negatives === 0 ? null : raised / negatives,
    falseNegative: positives === 0 ? null : missed / positives,
  };
}

/**
 * The threshold that makes the sum of both error rates least (Youden's index greatest), among the scores and
 * one below them all; the lowest of equals.
 * @returns null if one of the classes is empty.
 */
export function youdenThreshold(scores: readonly number[], positive: readonly boolean[]): number | null {
  let best: number | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const threshold of [Number.NEGATIVE_INFINITY, ...new Set(scores)].sort((a, b) => a - b)) {
    const { falsePositive, falseNegative } = errorRates(scores, positive, threshold);
    if (falsePositive === null || falseNegative === null) return null;
    if (falsePositive + falseNegative < least) {
      least = falsePositive + falseNegative;
      best = threshold;
    }
  }
  return best;
}
