import * as tf from '@tensorflow/tfjs';
import type { Random } from '../../core/random.ts';
import type { TransformerConfig } from './config.ts';
import { initialParameters, weightSpecs, weightTensors } from './weights.ts';

/** The parameters of a policy, flat and as tensors. */
export interface Parameters {
  /** Numbers there are. */
  readonly size: number;
  /** In the order of `weightSpecs`; replaced by `set`. */
  readonly tensors: readonly tf.Tensor[];
  /** A copy of all parameters. */
  values(): Float32Array;
  /** Replaces all. @throws RangeError when the number differs. */
  set(values: ArrayLike<number>): void;
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
  let tensors = weightTensors(specs, current);
  return {
    size: current.length,
    get tensors() {
      return tensors;
    },
    values: () => current.slice(),
    set: (values) => {
      if (values.length !== current.length) {
        throw new RangeError(`${owner}: ${values.length} parameters given, ${current.length} needed`);
      }
      tf.dispose(tensors);
      current.set(values);
      tensors = weightTensors(specs, current);
    },
    dispose: () => tf.dispose(tensors),
  };
}
