import * as tf from '@tensorflow/tfjs';
import type { Random } from '../../core/random.ts';
import type { TransformerConfig } from './config.ts';
import { initialParameters, sizeOf, weightSpecs, weightTensors } from './weights.ts';

/** The parameters of a policy, flat and as tensors. */
export interface Parameters {
  /** Numbers there are. */
  readonly size: number;
  /** Whether they are adapters on frozen weights: a gradient of all weights is then never made. */
  readonly isAdapted: boolean;
  /** The model's weights in the order of `weightSpecs`; replaced by `set`. */
  readonly tensors: readonly tf.Tensor[];
  /** A copy of all parameters. */
  values(): Float32Array;
  /** Replaces all. @throws RangeError when the number differs. */
  set(values: ArrayLike<number>): void;
  /** Whether a weight, by its place, changes with the parameters. */
  isTrained(weight: number): boolean;
  /** Adds to a gradient of the parameters what the gradient of one weight gives. */
  addGradient(weight: number, gradient: Float32Array, flat: Float32Array): void;
  dispose(): void;
}

/**
 * Parameters drawn from `random`, or `given` ones, which are then the policy's to overwrite. `owner` names the policy in
 * errors.
 */
export function createParameters(
  owner: string,
  config: TransformerConfig,
  vocabularySize: number,
  random: Random,
  given?: Float32Array,
): Parameters {
  const specs = weightSpecs(config, vocabularySize);
  const current = given ?? initialParameters(specs, random);
  let size = 0;
  const offsets = specs.map((spec) => {
    size += sizeOf(spec);
    return size - sizeOf(spec);
  });
  return parametersOf(owner, current, () => weightTensors(specs, current), {
    isAdapted: false,
    isTrained: () => true,
    addGradient: (weight, gradient, flat) => {
      const offset = offsets[weight]!;
      for (let index = 0; index < gradient.length; index++) flat[offset + index]! += gradient[index]!;
    },
  });
}

/** Parameters that are `current`, which is written over; `make` makes the model's weights of what it holds. */
export function parametersOf(
  owner: string,
  current: Float32Array,
  make: () => readonly tf.Tensor[],
  { isAdapted, isTrained, addGradient }: Pick<Parameters, 'isAdapted' | 'isTrained' | 'addGradient'>,
): Parameters {
  let tensors = make();
  return {
    size: current.length,
    isAdapted,
    get tensors() {
      return tensors;
    },
    values: () => current.slice(),
    set: (values) => {
      if (values.length !== current.length) {
        throw new RangeError(`${owner}: ${values.length} parameters given, ${current.length} needed`);
      }
      tf.dispose([...tensors]);
      current.set(values);
      tensors = make();
    },
    isTrained,
    addGradient,
    dispose: () => tf.dispose([...tensors]),
  };
}
