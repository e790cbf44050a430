import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from './native/products.ts';

/**
 * Overwrites rows of a matrix where it lies, and so of every reshaped view of it: tfjs has no such operation, and a new
 * matrix for every token that is written would be a copy of all of them. On the backends `tensorflow` and `cpu` only.
 * @param indices int32.
 * @param rows [indices, columns of the matrix].
 */
export function overwriteRows(matrix: tf.Tensor2D, indices: tf.Tensor1D, rows: tf.Tensor2D): void {
  if (tf.getBackend() === 'cpu') {
    const [target, source] = [matrix.dataSync(), rows.dataSync()];
    const width = matrix.shape[1];
    for (const [row, index] of indices.dataSync().entries()) {
      target.set(source.subarray(row * width, (row + 1) * width), index * width);
    }
    return;
  }
  const backend = tf.backend() as unknown as NativeBackend;
  const { TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
  const attributes = [{ name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }];
  // Its output is the matrix again.
  backend.executeSingleOutput('InplaceUpdate', attributes, [matrix, indices, rows]).dispose();
}
