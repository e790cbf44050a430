import * as tf from '@tensorflow/tfjs';
import type { Random } from '../../core/random.ts';
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
import { readsAtOnce, takeValues, valuesOf } from '../tensor/read.ts';
import type { TransformerConfig } from './config.ts';

/** One weight: its name, its shape, and how it starts (`normal` with this deviation, or all ones). */
export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly deviation: number | 'ones';
}

/** Floats in a weight. */
export const sizeOf = (spec: WeightSpec): number => spec.shape.reduce((product, size) => product * size, 1);

/**
 * All weights in their fixed order. Matrices map rows to rows: y = x · W with W [in, out]. `qkv` has the
 * columns of queries, keys and values side by side, `gateUp` those of gate and up. Projections back into
 * the residual stream start smaller by √(2 · layers), so that its variance does not grow with depth.
 */
export function weightSpecs(config: TransformerConfig, vocabularySize: number): readonly WeightSpec[] {
  const { modelSize, layers, heads, kvHeads, headSize, ffnSize } = config;
  const deviation = config.initialDeviation;
  const residual = deviation / Math.sqrt(2 * layers);
  const matrix = (name: string, rows: number, columns: number, spread = deviation): WeightSpec => ({
    name,
    shape: [rows, columns],
    deviation: spread,
  });
  const gain = (name: string): WeightSpec => ({ name, shape: [modelSize], deviation: 'ones' });
  const blocks = Array.from({ length: layers }, (_, layer) => [
    gain(`${layer}.attentionNorm`),
    matrix(`${layer}.qkv`, modelSize, (heads + 2 * kvHeads) * headSize),
    matrix(`${layer}.mix`, heads * headSize, modelSize, residual),
    gain(`${layer}.ffnNorm`),
    matrix(`${layer}.gateUp`, modelSize, 2 * ffnSize),
    matrix(`${layer}.down`, ffnSize, modelSize, residual),
  ]);
  return [matrix('embedding', vocabularySize, modelSize), ...blocks.flat(), gain('norm')];
}

/** Starting values of all weights, one after the other: normal (Box and Muller) draws, gains 1. */
export function initialParameters(specs: readonly WeightSpec[], random: Random): Float32Array {
  return Float32Array.from(
    specs.flatMap((spec) => {
      const stream = random.split(spec.name);
      const { deviation } = spec;
      if (deviation === 'ones') return Array.from({ length: sizeOf(spec) }, () => 1);
      return Array.from({ length: sizeOf(spec) }, () => {
        const radius = Math.sqrt(-2 * Math.log(1 - stream.uniform()));
        return deviation * radius * Math.cos(2 * Math.PI * stream.uniform());
      });
    }),
  );
}

/**
 * The weights as tensors, in the order of `weightSpecs`. The caller disposes of them, and leaves `parameters` as they are
 * until then: backends read them when they first need them, or in place.
 */
export function weightTensors(specs: readonly WeightSpec[], parameters: Float32Array): tf.Tensor[] {
  let offset = 0;
  return specs.map((spec) => {
    offset += sizeOf(spec);
    return tf.tensor(parameters.subarray(offset - sizeOf(spec), offset), [...spec.shape], 'float32');
  });
}

/** Cosines and sines of position · rotaryBase^(-2i / headSize) for `length` positions from 0 on. */
export function rotaryAngles(config: TransformerConfig, length: number): Angles {
  const half = config.headSize / 2;
  const angles = Array.from({ length: length * half }, (_, index) => {
    const position = Math.floor(index / half);
    return position * config.rotaryBase ** (-(index % half) / half);
  });
  return {
    cos: tf.tensor2d(Float32Array.from(angles, Math.cos), [length, half]),
    sin: tf.tensor2d(Float32Array.from(angles, Math.sin), [length, half]),
  };
}

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

/**
 * The gradient of Σ gradient · output with respect to the weights, where `slopesOf` sees the outputs and gives the gradients
 * once. Writes it into a flat vector, in the order of the weights, or adds it to what is there. Runs forward once (twice where the backend cannot be read
 * in between) and backward once.
 * @param weights the tensors that `outputs` is computed from.
 */
export async function pullBack(
  weights: readonly tf.Tensor[],
  outputs: () => tf.Tensor1D,
  slopesOf: (values: Float32Array) => Float32Array,
  { flat, adds }: { readonly flat: Float32Array; readonly adds: boolean },
): Promise<void> {
  const known = readsAtOnce() ? undefined : slopesOf(await valuesOf(outputs));
  const gradient = tf.tidy(() => {
    const read = tf.customGrad((values) => {
      const gradients = known ?? slopesOf((values as tf.Tensor).dataSync<'float32'>());
      return {
        value: tf.scalar(0),
        gradFunc: () => tf.tensor(gradients, (values as tf.Tensor).shape, 'float32'),
      };
    });
    return tf.grads((..._: tf.Tensor[]) => read(outputs()))([...weights]);
  });
  let offset = 0;
  for (const values of await takeValues(gradient)) {
    if (adds) addTo(flat.subarray(offset, offset + values.length), values);
    else flat.set(values, offset);
    offset += values.length;
  }
}

/** Adds a vector to another, in place. */
function addTo(sum: Float32Array, values: Float32Array): void {
  for (let index = 0; index < sum.length; index++) sum[index]! += values[index]!;
}

/** A flat vector for a gradient: the given one where it is one, because fresh memory is slow at the size of a model. */
export const gradientVector = (size: number, given: ArrayLike<number> | undefined): Float32Array =>
  given instanceof Float32Array && given.length === size ? given : new Float32Array(size);
