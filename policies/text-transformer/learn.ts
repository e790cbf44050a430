import * as tf from '@tensorflow/tfjs';
import type { AngleTables } from '../llama/angles.ts';
import type { TransformerConfig } from '../llama/config.ts';
import { gradientVector, pullBack, tapes } from '../llama/gradient.ts';
import { headLayout, outputStream, runBlocks, tokenLogits } from '../llama/model.ts';
import type { Parameters } from '../llama/parameters.ts';
import type { ActionRecord, Features, LossGradient, Sampling } from '../policy.ts';
import { crossEntropy, rotate, takeRows } from '../tensor/ops.ts';
import { pathAttention, pathAttentionFloats } from '../tensor/paths.ts';
import { valuesOf } from '../tensor/read.ts';
import { checkSampling, createDistribution } from './distribution.ts';
import { type PackedBatch, packRows } from './packed.ts';
import { type TrainingRows, trainingRows } from './rows.ts';

/** What reading rows needs. */
export interface LearnContext {
  readonly config: TransformerConfig;
  readonly vocabularySize: number;
  readonly parameters: Parameters;
  readonly angles: AngleTables;
  /** Room for what one backward pass keeps, in floats. */
  readonly activationFloats: number;
}

/** Log-probabilities of the records' tokens, by record. One causal pass per row of `trainingRows`. */
export async function recordLogProbs(
  context: LearnContext,
  records: readonly ActionRecord[],
  sampling: Sampling,
): Promise<readonly Float64Array[]> {
  const data = trainingRows(records, context.vocabularySize);
  return byRecord(data, await readRows(data, packRows(data.rows), outputOf(context, sampling)));
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
  const parts = tapes(batches, (batch) => activationSize(config, vocabularySize, batch), activationFloats);
  const gradientsOf = (logProbs: readonly Float64Array[]): readonly Float64Array[] =>
    bySlot(data, loss(byRecord(data, logProbs)));
  // Every log-probability goes into the loss before any gradient comes out of it: in one part, the forward
  // pass of the gradient itself gives them; in several parts, a forward pass before.
  let gradients = parts.length === 1 ? undefined : gradientsOf(await readRows(data, batches, output));
  for (const [index, part] of parts.entries()) {
    await pullBack(
      parameters.tensors,
      () => {
        const values = part.map((batch) => output.run(batch));
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

const indices = (values: Int32Array): tf.Tensor1D => tf.tensor1d(values, 'int32');

/** The residual stream at every token of a micro-batch. */
function readBatch({ config, parameters, angles }: LearnContext, batch: PackedBatch): tf.Tensor2D {
  const { cos, sin } = angles.of(ANGLE_STEP * Math.ceil(batch.length / ANGLE_STEP));
  const positions = indices(batch.positions);
  const turns = { cos: takeRows(cos, positions), sin: takeRows(sin, positions) };
  const layout = headLayout(config, 1, batch.ids.length);
  return runBlocks(config, parameters.tensors, indices(batch.ids), (heads) =>
    pathAttention(rotate(heads, turns, layout), batch.paths, layout),
  );
}

/** Angle tables grow by this many positions. */
const ANGLE_STEP = 64;

/** Floats that a backward pass keeps of its forward pass over a batch, about. */
function activationSize(config: TransformerConfig, vocabularySize: number, batch: PackedBatch): number {
  const { modelSize, layers, heads, kvHeads, headSize, ffnSize } = config;
  const projected = (heads + 2 * kvHeads) * headSize;
  const perToken = 6 * modelSize + 3 * ffnSize + 2 * projected + heads * headSize;
  const attention = pathAttentionFloats(batch.paths, config);
  // A scored position keeps its logits, those over the temperature, probabilities and their gradients.
  const ends = 4 * vocabularySize * batch.scored.length;
  return layers * (perToken * batch.ids.length + attention) + ends;
}

/** What is read off the model at a scored position, and how it gives a log-probability. */
interface Output {
  /** Floats per scored position. */
  readonly width: number;
  /** Values of all scored positions of a micro-batch, one after the other. */
  run(batch: PackedBatch): tf.Tensor1D;
  logProb(values: Float32Array, target: number): number;
  /** Writes d loss / d value. */
  gradients(values: Float32Array, target: number, gradient: number, into: Float32Array): void;
}

/** Without a nucleus the model gives log-probabilities itself; with one, logits. */
function outputOf(context: LearnContext, sampling: Sampling): Output {
  const { config, vocabularySize, parameters } = context;
  const { temperature, topP } = checkSampling(sampling);
  const logits = (batch: PackedBatch): tf.Tensor2D =>
    tokenLogits(config, parameters.tensors, takeRows(readBatch(context, batch), indices(batch.scored)));
  if (topP < 1) {
    const distribution = createDistribution(vocabularySize, sampling);
    return {
      width: vocabularySize,
      run: (batch) => tf.reshape(logits(batch), [-1]),
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
    run: (batch) => {
      const scores = logits(batch);
      const scaled = temperature === 1 ? scores : tf.div<tf.Tensor2D>(scores, temperature);
      return tf.neg(crossEntropy(scaled, tf.tensor1d(batch.targets, 'int32')));
    },
    logProb: (values) => values[0]!,
    gradients: (_, __, gradient, into) => {
      into[0] = gradient;
    },
  };
}

/** Log-probabilities at the scored positions of every row. */
async function readRows(
  data: TrainingRows,
  batches: readonly PackedBatch[],
  output: Output,
): Promise<readonly Float64Array[]> {
  const found: Float64Array[] = data.rows.map(() => new Float64Array());
  for (const batch of batches) {
    const values = await valuesOf(() => output.run(batch));
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
