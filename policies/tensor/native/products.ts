import * as tf from '@tensorflow/tfjs';

/** What is used of the native package's backend. */
export interface NativeBackend {
  readonly binding: Readonly<
    Record<'TF_ATTR_BOOL' | 'TF_ATTR_STRING' | 'TF_ATTR_TYPE' | 'TF_FLOAT', number>
  > & {
    readonly TF_Version: string;
  };
  readonly isGPUPackage: boolean;
  readonly isUsingGpuDevice: boolean;
  executeSingleOutput(name: string, attributes: readonly object[], inputs: readonly tf.Tensor[]): tf.Tensor;
}

/**
 * Multiplications from which on a product goes to oneDNN. It generates code for every shape that it meets, which takes
 * about half a millisecond and half a megabyte, and keeps that of the last 1024.
 */
const LEAST_WORK = 2 ** 25;

let replaced = false;

/**
 * Has large matrices multiplied by oneDNN's `matmul`: libtensorflow has it under a name of its own, and takes it by itself
 * only if all of oneDNN is on. Does nothing the second time, or where the library has no such operation.
 */
export function replaceMatMul(backend: NativeBackend): void {
  if (replaced || !hasProduct(backend)) return;
  replaced = true;
  const original = tf.getKernel('BatchMatMul', 'tensorflow');
  tf.unregisterKernel('BatchMatMul', 'tensorflow');
  tf.registerKernel({
    ...original,
    kernelFunc: (call) => {
      const { a, b } = call.inputs as { readonly a: tf.Tensor; readonly b: tf.Tensor };
      const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
      const work = a.size * b.shape.at(transposeB ? -2 : -1)!;
      if (work < LEAST_WORK) return original.kernelFunc(call);
      return multiply(call.backend as NativeBackend, [a, b], [transposeA, transposeB]);
    },
  });
}

function multiply(
  backend: NativeBackend,
  matrices: readonly [tf.Tensor, tf.Tensor],
  transposed: readonly [boolean, boolean],
): tf.Tensor {
  const { TF_ATTR_BOOL, TF_ATTR_STRING, TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
  const attributes = [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'adj_x', type: TF_ATTR_BOOL, value: transposed[0] },
    { name: 'adj_y', type: TF_ATTR_BOOL, value: transposed[1] },
    // What libtensorflow itself adds when it takes the operation: without it there is no kernel of that name.
    { name: '_kernel', type: TF_ATTR_STRING, value: 'MklNameChangeOp' },
  ];
  return backend.executeSingleOutput('_MklBatchMatMulV2', attributes, matrices);
}

function hasProduct(backend: NativeBackend): boolean {
  try {
    return tf.tidy(() => {
      const one = tf.ones([1, 1]);
      return multiply(backend, [one, one], [false, false]).dataSync()[0] === 1;
    });
  } catch {
    return false;
  }
}
