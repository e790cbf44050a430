import * as tf from '@tensorflow/tfjs';
import { hasKernel } from './ops.ts';
import { readsAtOnce } from './read.ts';

/** Draws from rows of logits. */
export interface Draws {
  /** The row of each. Rows may be drawn from several times. */
  readonly rows: Int32Array;
  /** Of each, uniform in [0, 1); not used when `greedy`. */
  readonly uniforms: Float32Array;
  /** Of the softmax, above 0. */
  readonly temperature: number;
  /** The most likely, the first of equals. */
  readonly greedy: boolean;
}

/** Columns of what `drawTokens` gives. */
export const DRAWN_COLUMNS = 4;

/** The largest float32 below 1: uniforms that would be rounded up to 1 is this. */
const MOST_UNIFORM = 1 - 2 ** -24;

/** Uniforms as float32, still below 1. */
export const asFloat32 = (uniforms: readonly number[]): Float32Array =>
  Float32Array.from(uniforms, (uniform) => Math.min(uniform, MOST_UNIFORM));

/** Whether logits lie on a GPU, so that bringing all of them back for every token would cost more than drawing there. */
export const drawsOnDevice = (): boolean =>
  !readsAtOnce() || (tf.backend() as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;

/**
 * Draws where the logits are, in float32: the first id at which the running sum of the softmax passes the uniforms.
 * One row per draw: the id; its score (logit over temperature) less the highest; the sum of exp of all such differences;
 * and the sum of exp times difference. Log-probability and entropy follow: d - log s, log s - m / s.
 */
export function drawTokens(logits: tf.Tensor2D, { rows, uniforms, temperature, greedy }: Draws): tf.Tensor2D {
  const [places, points] = [tf.tensor1d(rows, 'int32'), tf.tensor1d(uniforms)];
  if (hasKernel('DrawTokens')) {
    const inputs = { logits, rows: places, uniforms: points };
    return tf.engine().runKernel('DrawTokens', inputs, { temperature, greedy }) as tf.Tensor2D;
  }
  const scores: tf.Tensor2D = tf.div(logits, temperature);
  const differences: tf.Tensor2D = tf.sub(scores, tf.max(scores, 1, true));
  const weights = tf.exp(differences);
  const running: tf.Tensor2D = tf.cumsum(weights, 1);
  const totals = tf.slice(running, [0, logits.shape[1] - 1], [-1, 1]) as tf.Tensor2D;
  const means = tf.sum(tf.mul(weights, differences), 1, true) as tf.Tensor2D;
  const [total, mean] = [tf.gather(totals, places), tf.gather(means, places)];
  const passed = tf.lessEqual(tf.gather(running, places), tf.mul(tf.expandDims(points, 1), total));
  const drawn = tf.sum(tf.cast(passed, 'int32'), 1) as tf.Tensor1D;
  const ids = greedy ? (tf.gather(tf.argMax(scores, 1), places) as tf.Tensor1D) : drawn;
  const columns = logits.shape[1];
  const own = tf.gather(
    tf.reshape(differences, [-1, 1]),
    tf.add(tf.mul(places, tf.scalar(columns, 'int32')), ids) as tf.Tensor1D,
  );
  return tf.concat([tf.cast(tf.expandDims(ids, 1), 'float32'), own, total, mean], 1) as tf.Tensor2D;
}
