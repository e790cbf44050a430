import type { Sampling } from '../policy.ts';

/** A distribution over the vocabulary, in float64. */
export interface TokenDistribution {
  /** Probabilities by id; 0 outside of the nucleus. Overwritten by the next distribution. */
  readonly probabilities: Float64Array;
  /** Of the most likely id, the first of equals. */
  readonly best: number;
  /** Nats. */
  readonly entropy: number;
  logProb(id: number): number;
}

/**
 * The function from float32 logits to the distribution that tokens are drawn from: softmax at the temperature,
 * then the nucleus of `topP` (Holtzman et al. 2020), renormalised. Memory is reused from call to call.
 * @throws RangeError when the temperature or topP is out of range.
 */
export function createDistribution(
  vocabularySize: number,
  sampling: Sampling,
): (logits: Float32Array, keep?: number) => TokenDistribution {
  const { temperature, topP } = checkSampling(sampling);
  const probabilities = new Float64Array(vocabularySize);
  const scores = new Float64Array(vocabularySize);
  const room = new Float64Array(vocabularySize);
  return (logits, keep) => {
    let highest = Number.NEGATIVE_INFINITY;
    let best = 0;
    for (let id = 0; id < vocabularySize; id++) {
      const score = logits[id]! / temperature;
      scores[id] = score;
      if (score > highest) {
        highest = score;
        best = id;
      }
    }
    let sum = 0;
    for (let id = 0; id < vocabularySize; id++) {
      const weight = Math.exp(scores[id]! - highest);
      probabilities[id] = weight;
      sum += weight;
    }
    if (topP < 1) sum = cutToNucleus(probabilities, sum, topP, keep, room);
    const inverse = 1 / sum;
    const logSum = Math.log(sum);
    let mean = 0;
    for (let id = 0; id < vocabularySize; id++) {
      const probability = probabilities[id]! * inverse;
      probabilities[id] = probability;
      if (probability > 0) mean += probability * (scores[id]! - highest);
    }
    return { probabilities, best, entropy: logSum - mean, logProb: (id) => scores[id]! - highest - logSum };
  };
}

/** The temperature and topP of a sampling. @throws RangeError when one is out of range. */
export function checkSampling({ temperature, topP = 1 }: Sampling): {
  readonly temperature: number;
  readonly topP: number;
} {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new RangeError(`text-transformer policy: temperature must be above 0, got ${temperature}`);
  }
  if (!(topP > 0 && topP <= 1)) {
    throw new RangeError(`text-transformer policy: topP must be above 0 and at most 1, got ${topP}`);
  }
  return { temperature, topP };
}

/**
 * Sets the weights outside of the nucleus to 0: the fewest largest, the first of equals first, that reach
 * `topP` of the sum; `keep` stays in any case. Returns the sum of what is left.
 * @param room as many numbers as weights, overwritten.
 */
function cutToNucleus(
  weights: Float64Array,
  sum: number,
  topP: number,
  keep: number | undefined,
  room: Float64Array,
): number {
  // All weights up to this one together are below 1 - topP of the sum: none is needed to reach topP.
  // Halved, so that rounding cannot make it wrong.
  const least = (0.5 * (1 - topP) * sum) / weights.length;
  let candidates = 0;
  for (let id = 0; id < weights.length; id++) if (weights[id]! > least) room[candidates++] = weights[id]!;
  const ascending = room.subarray(0, candidates).sort();
  let reached = 0;
  let smallest = candidates;
  while (smallest > 0 && reached < topP * sum) reached += ascending[--smallest]!;
  const limit = ascending[smallest]!;
  // Of the weights equal to the smallest in the nucleus, so many are in it.
  let equals = 0;
  while (smallest + equals < candidates && ascending[smallest + equals] === limit) equals++;
  let total = 0;
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id]!;
    const inside = weight > limit || (weight === limit && equals-- > 0);
    if (inside || id === keep) total += weight;
    else weights[id] = 0;
  }
  return total;
}
