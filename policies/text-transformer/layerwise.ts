import * as tf from '@tensorflow/tfjs';
import { blockTensors, headTensors, runBlock } from '../llama/model.ts';
import { takeRows } from '../tensor/ops.ts';
import { takeValues, valuesOf } from '../tensor/read.ts';
import type { PackedBatch } from './packed.ts';
import { batchAttention, headPieces, indices, type LearnContext, type Output } from './passes.ts';

/**
 * Adds the gradient of a micro-batch whose activations do not fit: forward once, of which only the stream before every
 * block is kept; then block by block from the end, each computed again with a tape of its own. The head is computed in
 * pieces of its scored positions. Two passes forward, and the memory of one block.
 * @param gradients d loss / d log-probability, by row of the micro-batch and scored position.
 * @param flat a gradient of all parameters.
 */
export async function addLayerwiseGradient(
  context: LearnContext,
  batch: PackedBatch,
  output: Output,
  gradients: readonly Float64Array[],
  flat: Float32Array,
): Promise<void> {
  const { config, parameters } = context;
  const weights = parameters.tensors;
  /** Of some weights: their gradients, which are then disposed of. */
  const addAll = async (of: readonly tf.Tensor[], found: readonly tf.Tensor[]): Promise<void> => {
    const trained = of.map((tensor) => parameters.isTrained(weights.indexOf(tensor)));
    tf.dispose(found.filter((_, index) => !trained[index]));
    const wanted = of.filter((_, index) => trained[index]);
    const values = await takeValues(found.filter((_, index) => trained[index]));
    for (const [index, tensor] of wanted.entries()) {
      parameters.addGradient(weights.indexOf(tensor), values[index]!, flat);
    }
  };
  const block = (layer: number, stream: tf.Tensor2D, tensors = blockTensors(config, weights, layer)) =>
    runBlock(config, tensors, stream, batchAttention(context, batch));

  const streams: tf.Tensor2D[] = [tf.tidy(() => takeRows(weights[0] as tf.Tensor2D, indices(batch.ids)))];
  let back: tf.Tensor2D | undefined;
  try {
    for (let layer = 0; layer < config.layers; layer++) {
      streams.push(tf.tidy(() => block(layer, streams[layer]!)));
    }
    const head = headTensors(config, weights);
    const wanted = Float64Array.from(gradients.flatMap((row) => [...row]));
    for (const [from, to] of headPieces(context, batch)) {
      const targets = batch.targets.subarray(from, to);
      const values = (stream: tf.Tensor, norm: tf.Tensor, matrix: tf.Tensor): tf.Tensor => {
        const rows = takeRows(stream as tf.Tensor2D, indices(batch.scored.subarray(from, to)));
        return output.values([norm as tf.Tensor1D, matrix as tf.Tensor2D], rows, targets);
      };
      const last = streams.at(-1)!;
      const known = output.width === 1 ? undefined : await valuesOf(() => values(last, ...head));
      const dValues = piecewise(output, targets, wanted.subarray(from, to), known);
      // Of frozen weights as large as the vocabulary no gradient is made.
      const own = head.every((tensor) => parameters.isTrained(weights.indexOf(tensor))) ? head : [];
      const ofOwn = (stream: tf.Tensor, ...given: tf.Tensor[]): tf.Tensor => {
        const [norm, matrix] = given.length > 0 ? given : head;
        return values(stream, norm!, matrix!);
      };
      const [dStream, ...dHead] = tf.tidy(() => tf.grads(ofOwn)([last, ...own], tf.tensor1d(dValues)));
      const before = back;
      back = (before === undefined ? dStream : tf.add(before, dStream!)) as tf.Tensor2D;
      if (before !== undefined) tf.dispose([before, dStream!]);
      await addAll(own, dHead);
    }
    for (let layer = config.layers - 1; layer >= 0; layer--) {
      streams.pop()!.dispose();
      const tensors = blockTensors(config, weights, layer);
      const run = (stream: tf.Tensor, ...own: tf.Tensor[]) => block(layer, stream as tf.Tensor2D, own);
      const [dStream, ...own] = tf.tidy(() => tf.grads(run)([streams[layer]!, ...tensors], back!));
      back!.dispose();
      back = dStream as tf.Tensor2D;
      await addAll(tensors, own);
    }
    if (!parameters.isTrained(0)) return;
    const [values] = await takeValues([back!]);
    back = undefined;
    const width = config.modelSize;
    for (const [token, id] of batch.ids.entries()) {
      for (let index = 0; index < width; index++)
        flat[id * width + index]! += values![token * width + index]!;
    }
  } finally {
    tf.dispose(streams);
    if (back !== undefined) back.dispose();
  }
}

/** d loss / d value of some scored positions. */
function piecewise(
  { width, gradients }: Output,
  targets: Int32Array,
  wanted: Float64Array,
  values: Float32Array = new Float32Array(),
): Float32Array {
  const found = new Float32Array(width * targets.length);
  for (const [index, target] of targets.entries()) {
    const [from, to] = [index * width, (index + 1) * width];
    gradients(values.subarray(from, to), target, wanted[index]!, found.subarray(from, to));
  }
  return found;
}
