import * as tf from '@tensorflow/tfjs';
import type { Random } from '../../core/random.ts';
import type { Angles } from '../tensor/ops.ts';
import type { TransformerConfig } from './config.ts';
import { initialParameters, rotaryAngles, weightSpecs, weightTensors } from './model.ts';

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

/** Parameters drawn from `random`. `owner` names the policy in errors. */
export function createParameters(
  owner: string,
  config: TransformerConfig,
  vocabularySize: number,
  random: Random,
): Parameters {
  const specs = weightSpecs(config, vocabularySize);
  const current = initialParameters(specs, random);
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

/** Rotary angles by length, made on first use (outside of any `tf.tidy`) and kept. */
export interface AngleTables {
  of(length: number): Angles;
  dispose(): void;
}

/** No tables at first. */
export function createAngleTables(config: TransformerConfig): AngleTables {
  const tables = new Map<number, Angles>();
  return {
    of: (length) => {
      let found = tables.get(length);
      if (found === undefined) {
        const { cos, sin } = rotaryAngles(config, length);
        found = { cos: tf.keep(cos), sin: tf.keep(sin) };
        tables.set(length, found);
      }
      return found;
    },
    dispose: () => {
      for (const { cos, sin } of tables.values()) tf.dispose([cos, sin]);
      tables.clear();
    },
  };
}
