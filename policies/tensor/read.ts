import * as tf from '@tensorflow/tfjs';

/** Backends whose numbers lie where the processor can read them; on others a read has to be waited for. */
const AT_ONCE: readonly string[] = ['cpu', 'tensorflow', 'wasm'];

/** Whether tensors of the current backend can be read in the middle of a computation. */
export const readsAtOnce = (): boolean => AT_ONCE.includes(tf.getBackend());

/** The numbers of tensors, which are then disposed of, also when reading fails. */
export async function takeValues(tensors: readonly tf.Tensor[]): Promise<readonly Float32Array[]> {
  try {
    if (readsAtOnce()) return tensors.map((tensor) => tensor.dataSync<'float32'>());
    return await Promise.all(tensors.map((tensor) => tensor.data<'float32'>()));
  } finally {
    tf.dispose([...tensors]);
  }
}

/** The numbers of what `compute` gives; nothing that it made is left. */
export async function valuesOf(compute: () => tf.Tensor): Promise<Float32Array> {
  const [values] = await takeValues([tf.tidy(compute)]);
  return values!;
}

/** Runs works one after the other, in the order in which they are given, whatever happens to those before. */
export function createQueue(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work, work);
    last = result;
    return result;
  };
}
