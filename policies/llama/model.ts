import * as tf from '@tensorflow/tfjs';
import type { HeadLayout } from '../tensor/layout.ts';
import {
  type Angles,
  causalAttention,
  crossEntropy,
  rmsNorm,
  rotate,
  swiGlu,
  takeRows,
} from '../tensor/ops.ts';
import type { TransformerConfig } from './config.ts';

/** Token ids of `batch` rows of `length`, one row after the other (int32). */
export interface TokenBatch {
  readonly ids: tf.Tensor1D;
  readonly batch: number;
  readonly length: number;
}

/**
 * The residual stream after all blocks, before the final norm: [batch · length, modelSize]. A position
 * depends on the positions up to it in its own row, on nothing after it and on no other row.
 * @param angles of at least `length` positions: exactly `length` rows are given.
 */
export function hiddenStates(
  config: TransformerConfig,
  weights: readonly tf.Tensor[],
  { ids, batch, length }: TokenBatch,
  angles: Angles,
): tf.Tensor2D {
  const layout = headLayout(config, batch, length);
  return runBlocks(config, weights, ids, (heads) => causalAttention(rotate(heads, angles, layout), layout));
}

/** How the rows of a batch are read by attention. */
export function headLayout(
  { heads, kvHeads, headSize }: TransformerConfig,
  batch: number,
  length: number,
): HeadLayout {
  return { batch, length, heads, kvHeads, headSize };
}

/** All blocks, with attention given: from rows [queries, keys, values] to rows of mixed values. */
export function runBlocks(
  config: TransformerConfig,
  weights: readonly tf.Tensor[],
  ids: tf.Tensor1D,
  attention: (heads: tf.Tensor2D, layer: number) => tf.Tensor2D,
): tf.Tensor2D {
  let stream: tf.Tensor2D = takeRows(weights[0] as tf.Tensor2D, ids);
  for (let layer = 0; layer < config.layers; layer++) {
    const block = weights.slice(1 + 6 * layer, 7 + 6 * layer) as unknown as BlockWeights;
    const [attentionNorm, qkv, mix, ffnNorm, gateUp, down] = block;
    const heads = tf.matMul<tf.Tensor2D>(rmsNorm(stream, attentionNorm, config.normEpsilon), qkv);
    stream = tf.add(stream, tf.matMul(attention(heads, layer), mix));
    const hidden = swiGlu(tf.matMul<tf.Tensor2D>(rmsNorm(stream, ffnNorm, config.normEpsilon), gateUp));
    stream = tf.add(stream, tf.matMul(hidden, down));
  }
  return stream;
}

type BlockWeights = readonly [
  attentionNorm: tf.Tensor1D,
  qkv: tf.Tensor2D,
  mix: tf.Tensor2D,
  ffnNorm: tf.Tensor1D,
  gateUp: tf.Tensor2D,
  down: tf.Tensor2D,
];

/** Logits of the tokens `candidates` (int32, all tokens when absent) at rows of `hiddenStates`. */
export function tokenLogits(
  config: TransformerConfig,
  weights: readonly tf.Tensor[],
  hidden: tf.Tensor2D,
  candidates?: tf.Tensor1D,
): tf.Tensor2D {
  const embedding = weights[0] as tf.Tensor2D;
  const output = candidates === undefined ? embedding : takeRows(embedding, candidates);
  return tf.matMul<tf.Tensor2D>(outputStream(config, weights, hidden), output, false, true);
}

/** Rows of `hiddenStates` after the final norm: what predictions are read off. */
export function outputStream(
  config: TransformerConfig,
  weights: readonly tf.Tensor[],
  hidden: tf.Tensor2D,
): tf.Tensor2D {
  return rmsNorm(hidden, weights.at(-1) as tf.Tensor1D, config.normEpsilon);
}

/**
 * Next-token losses over the full vocabulary, in nats: [batch · length].
 * @param targets int32 [batch · length], the token wanted after each position.
 */
export function nextTokenLosses(
  config: TransformerConfig,
  weights: readonly tf.Tensor[],
  batch: TokenBatch,
  targets: tf.Tensor1D,
  angles: Angles,
): tf.Tensor1D {
  const hidden = hiddenStates(config, weights, batch, angles);
  return crossEntropy(tokenLogits(config, weights, hidden), targets);
}
