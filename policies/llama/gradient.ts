import * as tf from '@tensorflow/tfjs';
import { readsAtOnce, takeValues, valuesOf } from '../tensor/read.ts';

/** Tokens that go through the model at once. Few enough that activations stay in the processor's cache. */
export const MICRO_BATCH_TOKENS = 2048;

/** Parts of the batches whose activations, in floats, stay below `limit`; each has at least one. */
export function tapes<Batch>(
  batches: readonly Batch[],
  size: (batch: Batch) => number,
  limit: number,
): readonly (readonly Batch[])[] {
  const parts: Batch[][] = [];
  let room = 0;
  for (const batch of batches) {
    const floats = size(batch);
    if (parts.length === 0 || floats > room) {
      parts.push([]);
      room = limit;
    }
    parts.at(-1)!.push(batch);
    room -= floats;
  }
  return parts;
}

/**
 * The gradient of Σ gradient · output with respect to the weights, where `gradientOf` sees the outputs
 * and gives d loss / d output, once. Writes it into a flat vector, in the order of the weights, or adds it to what is
 * there. Runs forward once (twice where the backend cannot be read in between) and backward once.
 * @param weights the tensors that `outputs` is computed from.
 */
export async function pullBack(
  weights: readonly tf.Tensor[],
  outputs: () => tf.Tensor1D,
  gradientOf: (values: Float32Array) => Float32Array,
  { flat, adds }: { readonly flat: Float32Array; readonly adds: boolean },
): Promise<void> {
  const known = readsAtOnce() ? undefined : gradientOf(await valuesOf(outputs));
  const gradient = tf.tidy(() => {
    const read = tf.customGrad((values) => {
      const gradients = known ?? gradientOf((values as tf.Tensor).dataSync<'float32'>());
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
