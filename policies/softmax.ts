/** Log-softmax of `logits / temperature` in float64. */
export function logSoftmax(logits: ArrayLike<number>, temperature: number): Float64Array {
  const result = Float64Array.from(logits, (logit) => logit / temperature);
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of result) highest = Math.max(highest, value);
  let sum = 0;
  for (const value of result) sum += Math.exp(value - highest);
  const shift = highest + Math.log(sum);
  for (let index = 0; index < result.length; index++) result[index]! -= shift;
  return result;
}

/** Entropy in nats of a distribution given by its log-probabilities. */
export function entropy(logProbs: Float64Array): number {
  let sum = 0;
  for (const value of logProbs) if (value > Number.NEGATIVE_INFINITY) sum -= Math.exp(value) * value;
  return sum;
}
