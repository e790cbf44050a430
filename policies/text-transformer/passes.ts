import * as tf from '@tensorflow/tfjs';
import type { AngleTables } from '../llama/angles.ts';
import type { TransformerConfig } from '../llama/config.ts';
import { headLayout, headLogits, headTensors, runBlocks } from '../llama/model.ts';
import type { Parameters } from '../llama/parameters.ts';
import type { Sampling } from '../policy.ts';
import { crossEntropy, rotate, takeRows } from '../tensor/ops.ts';
import { pathAttention, pathAttentionFloats } from '../tensor/paths.ts';
import { checkRoom } from '../tensor/room.ts';
import { checkSampling, createDistribution } from './distribution.ts';
import type { PackedBatch } from './packed.ts';

/** What reading rows needs. */
export interface LearnContext {
  readonly config: TransformerConfig;
  readonly vocabularySize: number;
  readonly parameters: Parameters;
  readonly angles: AngleTables;
  /** Room for what one backward pass keeps, in floats. */
  readonly activationFloats: number;
}

export const indices = (values: Int32Array): tf.Tensor1D => tf.tensor1d(values, 'int32');

/** The residual stream at every token of a micro-batch. */
export function readBatch(context: LearnContext, batch: PackedBatch): tf.Tensor2D {
  const attention = batchAttention(context, batch);
  return runBlocks(context.config, context.parameters.tensors, indices(batch.ids), attention);
}

/** The attention of a micro-batch, of any layer. */
export function batchAttention(
  { config, angles }: LearnContext,
  batch: PackedBatch,
): (heads: tf.Tensor2D) => tf.Tensor2D {
  const { cos, sin } = angles.of(ANGLE_STEP * Math.ceil(batch.length / ANGLE_STEP));
  const positions = indices(batch.positions);
  const turns = { cos: takeRows(cos, positions), sin: takeRows(sin, positions) };
  const layout = headLayout(config, 1, batch.ids.length);
  return (heads) => pathAttention(rotate(heads, turns, layout), batch.paths, layout);
}

/** Angle tables grow by this many positions. */
const ANGLE_STEP = 64;

/** Floats that a backward pass keeps of its forward pass over a batch, about. */
export function activationSize(
  config: TransformerConfig,
  vocabularySize: number,
  batch: PackedBatch,
): number {
  // A scored position keeps its logits, those over the temperature, probabilities and their gradients.
  const ends = 4 * vocabularySize * batch.scored.length;
  return config.layers * layerSize(config, batch) + ends;
}

/** The same, of one block. */
export function layerSize(config: TransformerConfig, { ids, paths }: PackedBatch): number {
  const { modelSize, heads, kvHeads, headSize, ffnSize } = config;
  const projected = (heads + 2 * kvHeads) * headSize;
  const perToken = 6 * modelSize + 3 * ffnSize + 2 * projected + heads * headSize;
  return perToken * ids.length + pathAttentionFloats(paths, config);
}

/** What is read off the model at a scored position, and how it gives a log-probability. */
export interface Output {
  /** Floats per scored position. */
  readonly width: number;
  /** Values at rows of the stream whose tokens are followed by `targets`, one row after the other. */
  values(head: readonly [tf.Tensor1D, tf.Tensor2D], rows: tf.Tensor2D, targets: Int32Array): tf.Tensor1D;
  logProb(values: Float32Array, target: number): number;
  /** Writes d loss / d value. */
  gradients(values: Float32Array, target: number, gradient: number, into: Float32Array): void;
}

/** Values of all scored positions of a micro-batch, piece by piece: logits are as wide as the vocabulary. */
export function runBatch(context: LearnContext, output: Output, batch: PackedBatch): tf.Tensor1D {
  const stream = readBatch(context, batch);
  const head = headTensors(context.config, context.parameters.tensors);
  const values = headPieces(context, batch).map(([from, to]) =>
    tf.tidy(() => {
      const rows = takeRows(stream, indices(batch.scored.subarray(from, to)));
      return output.values(head, rows, batch.targets.subarray(from, to));
    }),
  );
  return values.length === 1 ? values[0]! : tf.concat(values);
}

/** Scored positions of a micro-batch whose logits are computed at once. */
export function headPieces(
  { vocabularySize, activationFloats }: LearnContext,
  { scored }: PackedBatch,
): readonly (readonly [from: number, to: number])[] {
  const step = Math.max(1, Math.floor(Math.min(PIECE_FLOATS, activationFloats) / vocabularySize));
  return Array.from({ length: Math.ceil(scored.length / step) }, (_, piece) => [
    piece * step,
    Math.min(scored.length, (piece + 1) * step),
  ]);
}

/** Logits that are computed at once, at most. */
const PIECE_FLOATS = 1 << 24;

/** Without a nucleus the model gives log-probabilities itself; with one, logits. */
export function outputOf({ config, vocabularySize }: LearnContext, sampling: Sampling): Output {
  const { temperature, topP } = checkSampling(sampling);
  if (topP < 1) {
    const distribution = createDistribution(vocabularySize, sampling);
    return {
      width: vocabularySize,
      values: (head, rows) => tf.reshape(headLogits(config, head, rows), [-1]),
      logProb: (values, target) => distribution(values, target).logProb(target),
      gradients: (values, target, gradient, into) => {
        const { probabilities } = distribution(values, target);
        const scale = gradient / temperature;
        for (let id = 0; id < vocabularySize; id++) into[id] = -scale * probabilities[id]!;
        into[target] = scale * (1 - probabilities[target]!);
      },
    };
  }
  return {
    width: 1,
    values: (head, rows, targets) => {
      const scores = headLogits(config, head, rows);
      const scaled = temperature === 1 ? scores : tf.div<tf.Tensor2D>(scores, temperature);
      return tf.neg(crossEntropy(scaled, tf.tensor1d(targets, 'int32')));
    },
    logProb: (values) => values[0]!,
    gradients: (_, __, gradient, into) => {
      into[0] = gradient;
    },
  };
}

/**
 * Floats that a pass over a micro-batch takes at most at a time, about: forward the stream before every block and what
 * one block makes; backward (layer by layer) besides that block's gradients, and those of the largest weight.
 */
export function passFloats(
  { config, vocabularySize, activationFloats }: LearnContext,
  batch: PackedBatch,
  output: Pick<Output, 'width'>,
  backward: boolean,
): number {
  const { modelSize, layers, ffnSize } = config;
  const streams = (layers + 2) * modelSize * batch.ids.length;
  const piece = Math.min(
    Math.max(Math.min(PIECE_FLOATS, activationFloats), vocabularySize),
    vocabularySize * batch.scored.length,
  );
  const values = 2 * output.width * batch.scored.length;
  const weight = backward ? modelSize * Math.max(vocabularySize, 8 * modelSize + 3 * ffnSize) : 0;
  return streams + weight + Math.max((backward ? 3 : 1) * layerSize(config, batch), 4 * piece + values);
}

/** @throws InputError when a pass over a micro-batch does not fit into memory, with what it needs. */
export function checkPass(
  context: LearnContext,
  batch: PackedBatch,
  output: Pick<Output, 'width'>,
  backward: boolean,
): void {
  const does = backward ? 'a gradient over' : 'reading';
  checkRoom(passFloats(context, batch, output, backward), `${does} a row of ${batch.length} tokens`);
}
