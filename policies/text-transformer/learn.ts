import * as tf from '@tensorflow/tfjs';
import { gradientVector, pullBack, tapes } from '../llama/gradient.ts';
import { outputStream } from '../llama/model.ts';
import type { ActionRecord, Features, LossGradient, Sampling } from '../policy.ts';
import { takeRows } from '../tensor/ops.ts';
import { valuesOf } from '../tensor/read.ts';
import { freeFloats } from '../tensor/room.ts';
import { addLayerwiseGradient } from './layerwise.ts';
import { type PackedBatch, packRows } from './packed.ts';
import {
  activationSize,
  checkPass,
  indices,
  type LearnContext,
  type Output,
  outputOf,
  readBatch,
  runBatch,
} from './passes.ts';
import { type TrainingRows, trainingRows } from './rows.ts';

/** Log-probabilities of the records' tokens, by record. One causal pass per row of `trainingRows`. */
export async function recordLogProbs(
  context: LearnContext,
  records: readonly ActionRecord[],
  sampling: Sampling,
): Promise<readonly Float64Array[]> {
  const data = trainingRows(records, context.vocabularySize);
  return byRecord(data, await readRows(context, data, packRows(data.rows), outputOf(context, sampling)));
}

/**
 * The gradient of a loss of the records' log-probabilities: flat, in the order of the parameters. Gradients at a
 * position that several records share add up.
 */
export async function recordGradient(
  context: LearnContext,
  records: readonly ActionRecord[],
  loss: LossGradient,
  sampling: Sampling,
  into?: ArrayLike<number>,
): Promise<Float32Array> {
  const { config, vocabularySize, parameters, activationFloats } = context;
  const flat = gradientVector(parameters.size, into);
  const data = trainingRows(records, vocabularySize);
  const output = outputOf(context, sampling);
  const batches = packRows(data.rows);
  const size = (batch: PackedBatch): number => activationSize(config, vocabularySize, batch);
  const parts = tapes(batches, size, activationFloats);
  const gradientsOf = (logProbs: readonly Float64Array[]): readonly Float64Array[] =>
    bySlot(data, loss(byRecord(data, logProbs)));
  // Every log-probability goes into the loss before any gradient comes out of it: in one part, the forward
  // pass of the gradient itself gives them; in several parts, or layer by layer, a forward pass before.
  // Weights and a gradient of all of them at once can be too much, too.
  const isTight = (batch: PackedBatch): boolean =>
    parameters.isAdapted || size(batch) > Math.min(activationFloats, (freeFloats() - parameters.size) / 2);
  const fits = parts.length === 1 && !parts[0]!.some(isTight);
  // Refused before anything is computed.
  for (const batch of batches) checkPass(context, batch, output, isTight(batch));
  let gradients = fits ? undefined : gradientsOf(await readRows(context, data, batches, output));
  for (const [index, part] of parts.entries()) {
    if (part.some(isTight)) {
      if (index === 0) flat.fill(0);
      for (const batch of part) {
        const own = batch.members.map((member) => gradients![member]!);
        await addLayerwiseGradient(context, batch, output, own, flat);
      }
      continue;
    }
    await pullBack(
      parameters.tensors,
      () => {
        const values = part.map((batch) => runBatch(context, output, batch));
        return values.length === 1 ? values[0]! : tf.concat(values);
      },
      (values) => {
        gradients ??= gradientsOf(splitRows(data, part, values, output));
        return valueGradients(data, part, values, gradients, output);
      },
      { flat, adds: index > 0 },
    );
  }
  return parts.length === 0 ? flat.fill(0) : flat;
}

/**
 * What the model knows before each recorded token: the residual stream after the final norm, from which it predicts
 * the token. One causal pass per row of `trainingRows`.
 */
export async function recordFeatures(
  context: LearnContext,
  records: readonly ActionRecord[],
): Promise<Features> {
  const { config, vocabularySize, parameters } = context;
  const { modelSize: width } = config;
  const data = trainingRows(records, vocabularySize);
  const found: Float32Array[] = [];
  for (const batch of packRows(data.rows)) {
    checkPass(context, batch, { width: config.modelSize }, false);
    const values = await valuesOf(() =>
      outputStream(config, parameters.tensors, takeRows(readBatch(context, batch), indices(batch.scored))),
    );
    let from = 0;
    for (const member of batch.members) {
      const size = data.rows[member]!.scored.length * width;
      found[member] = values.slice(from, from + size);
      from += size;
    }
  }
  const rows = data.places.map(({ row, scored }) => {
    const [first = 0] = scored;
    return found[row]!.slice(first * width, (first + scored.length) * width);
  });
  return { width, rows };
}

/** Log-probabilities at the scored positions of every row. */
async function readRows(
  context: LearnContext,
  data: TrainingRows,
  batches: readonly PackedBatch[],
  output: Output,
): Promise<readonly Float64Array[]> {
  const found: Float64Array[] = data.rows.map(() => new Float64Array());
  for (const batch of batches) {
    checkPass(context, batch, output, false);
    const values = await valuesOf(() => runBatch(context, output, batch));
    const rows = splitRows(data, [batch], values, output);
    for (const member of batch.members) found[member] = rows[member]!;
  }
  return found;
}

/** Log-probabilities by row, from the values of micro-batches. */
function splitRows(
  { rows }: TrainingRows,
  batches: readonly PackedBatch[],
  values: Float32Array,
  { width, logProb }: Output,
): readonly Float64Array[] {
  const found: Float64Array[] = rows.map(() => new Float64Array());
  let from = 0;
  for (const member of batches.flatMap(({ members }) => members)) {
    const { targets } = rows[member]!;
    const row = new Float64Array(targets.length);
    for (const [index, target] of targets.entries()) {
      row[index] = logProb(values.subarray(from, from + width), target);
      from += width;
    }
    found[member] = row;
  }
  return found;
}

/** d loss / d value for the values of micro-batches. */
function valueGradients(
  { rows }: TrainingRows,
  batches: readonly PackedBatch[],
  values: Float32Array,
  gradients: readonly Float64Array[],
  output: Output,
): Float32Array {
  const { width } = output;
  const result = new Float32Array(values.length);
  let from = 0;
  for (const member of batches.flatMap(({ members }) => members)) {
    for (const [index, target] of rows[member]!.targets.entries()) {
      const into = result.subarray(from, from + width);
      output.gradients(values.subarray(from, from + width), target, gradients[member]![index]!, into);
      from += width;
    }
  }
  return result;
}

/** Values at the scored positions of rows, as the records' tokens see them. */
const byRecord = ({ places }: TrainingRows, values: readonly Float64Array[]): readonly Float64Array[] =>
  places.map(({ row, scored }) => Float64Array.from(scored, (index) => values[row]![index]!));

/** Gradients of the records' tokens, added up by scored position of the rows. */
function bySlot({ rows, places }: TrainingRows, gradients: readonly Float64Array[]): readonly Float64Array[] {
  const sums = rows.map(({ scored }) => new Float64Array(scored.length));
  for (const [record, { row, scored }] of places.entries()) {
    for (const [index, at] of scored.entries()) sums[row]![at]! += gradients[record]![index]!;
  }
  return sums;
}
