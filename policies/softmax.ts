/** Log-softmax of `logits / temperature` in float64. */
export function logSoftmax(logits: ArrayLike<number>, temperature: number): Float64Array {
  // By index: iterators take several times as long, and this runs for every action.
  const result = new Float64Array(logits.length);
  let highest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < result.length; index++) {
    result[index] = logits[index]! / temperature;
    highest = Math.max(highest, result[index]!);
  }
  let sum = 0;
  for (let index = 0; index < result.length; index++) sum += Math.exp(result[index]! - highest);
  const shift = highest + Math.log(sum);
  for (let index = 0; index < result.length; index++) result[index]! -= shift;
  return result;
}

/** Entropy in nats of a distribution given by its log-probabilities. */
export function entropy(logProbs: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < logProbs.length; index++) {
    const value = logProbs[index]!;
    if (value > Number.NEGATIVE_INFINITY) sum -= Math.exp(value) * value;
  }
  return sum;
}
