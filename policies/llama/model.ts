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
    const { attentionNorm, mix, ffnNorm, gateUp, down, ...projection } = blockWeights(config, weights, layer);
    const heads = projectHeads(config, rmsNorm(stream, attentionNorm, config.normEpsilon), projection);
    stream = tf.add(stream, tf.matMul(attention(heads, layer), mix));
    const hidden = swiGlu(tf.matMul<tf.Tensor2D>(rmsNorm(stream, ffnNorm, config.normEpsilon), gateUp));
    stream = tf.add(stream, tf.matMul(hidden, down));
  }
  return stream;
}

interface Projection {
  readonly qkv: tf.Tensor2D;
  readonly qkvBias: tf.Tensor1D | undefined;
  readonly headNorms: readonly [queries: tf.Tensor1D, keys: tf.Tensor1D] | undefined;
}

interface BlockWeights extends Projection {
  readonly attentionNorm: tf.Tensor1D;
  readonly mix: tf.Tensor2D;
  readonly ffnNorm: tf.Tensor1D;
  readonly gateUp: tf.Tensor2D;
  readonly down: tf.Tensor2D;
}

/** The weights of a block, in the order of `weightSpecs`. */
function blockWeights(
  { qkvBias = false, headNorms = false }: TransformerConfig,
  weights: readonly tf.Tensor[],
  layer: number,
): BlockWeights {
  const size = 6 + (qkvBias ? 1 : 0) + (headNorms ? 2 : 0);
  const block = weights.slice(1 + size * layer, 1 + size * (layer + 1)).values();
  const vector = () => block.next().value as tf.Tensor1D;
  const matrix = () => block.next().value as unknown as tf.Tensor2D;
  return {
    attentionNorm: vector(),
    qkv: matrix(),
    qkvBias: qkvBias ? vector() : undefined,
    headNorms: headNorms ? [vector(), vector()] : undefined,
    mix: matrix(),
    ffnNorm: vector(),
    gateUp: matrix(),
    down: matrix(),
  };
}

/** Rows [queries, keys, values] of normalised rows of the stream, before the rotation. */
function projectHeads(
  { heads, kvHeads, headSize, normEpsilon }: TransformerConfig,
  rows: tf.Tensor2D,
  { qkv, qkvBias, headNorms }: Projection,
): tf.Tensor2D {
  const plain = tf.matMul<tf.Tensor2D>(rows, qkv);
  const x = qkvBias === undefined ? plain : tf.add<tf.Tensor2D>(plain, qkvBias);
  if (headNorms === undefined) return x;
  const widths = [heads * headSize, kvHeads * headSize, kvHeads * headSize];
  const parts = tf.split<tf.Tensor2D>(x, widths, 1);
  const normalized = headNorms.map((gain, part) => {
    const apart = tf.reshape<tf.Rank.R2>(parts[part]!, [-1, headSize]);
    return tf.reshape<tf.Rank.R2>(rmsNorm(apart, gain, normEpsilon), [-1, widths[part]!]);
  });
  return tf.concat<tf.Tensor2D>([...normalized, parts[2]!], 1);
}

/** Logits of the tokens `candidates` (int32, all tokens when absent) at rows of `hiddenStates`. */
export function tokenLogits(
  config: TransformerConfig,
  weights: readonly tf.Tensor[],
  hidden: tf.Tensor2D,
  candidates?: tf.Tensor1D,
): tf.Tensor2D {
  const matrix = (config.untied === true ? weights.at(-1) : weights[0]) as tf.Tensor2D;
  const output = candidates === undefined ? matrix : takeRows(matrix, candidates);
  return tf.matMul<tf.Tensor2D>(outputStream(config, weights, hidden), output, false, true);
}

/** Rows of `hiddenStates` after the final norm: what predictions are read off. */
export function outputStream(
  config: TransformerConfig,
  weights: readonly tf.Tensor[],
  hidden: tf.Tensor2D,
): tf.Tensor2D {
  return rmsNorm(hidden, weights.at(config.untied === true ? -2 : -1) as tf.Tensor1D, config.normEpsilon);
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
