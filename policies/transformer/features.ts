import type * as tf from '@tensorflow/tfjs';
import { MICRO_BATCH_TOKENS } from '../llama/gradient.ts';
import { valuesOf } from '../tensor/read.ts';
import { type EncodedPrompt, type MicroBatch, microBatches } from './batches.ts';

/**
 * What the transformer knows of a state whose actions are listed: the mean of what it knows at the end of each action
 * (after the final norm), weighted by the policy. A linear function of it is a mean over the actions of a linear
 * function of each, as V = sum over a of pi(a) Q(a) is.
 * @param logProbs of the actions of every prompt.
 * @param read the rows of a micro-batch: one per action, `width` wide.
 */
export async function promptFeatures(
  prompts: readonly EncodedPrompt[],
  logProbs: readonly Float64Array[],
  width: number,
  read: (batch: MicroBatch) => tf.Tensor2D,
): Promise<readonly Float32Array[]> {
  const result: Float32Array[] = [];
  for (const batch of microBatches(prompts, MICRO_BATCH_TOKENS)) {
    const values = await valuesOf(() => read(batch));
    let from = 0;
    for (const member of batch.members) {
      const mean = new Float32Array(width);
      for (const logProb of logProbs[member]!) {
        const share = Math.exp(logProb);
        for (let index = 0; index < width; index++) mean[index]! += share * values[from + index]!;
        from += width;
      }
      result[member] = mean;
    }
  }
  return result;
}
