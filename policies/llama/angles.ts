import * as tf from '@tensorflow/tfjs';
import type { Angles } from '../tensor/ops.ts';
import type { TransformerConfig } from './config.ts';

/** Cosines and sines of position · rotaryBase^(-2i / headSize) for `length` positions from 0 on. */
export function rotaryAngles(config: TransformerConfig, length: number): Angles {
  const half = config.headSize / 2;
  const angles = Array.from({ length: length * half }, (_, index) => {
    const position = Math.floor(index / half);
    return position * config.rotaryBase ** (-(index % half) / half);
  });
  return {
    cos: tf.tensor2d(Float32Array.from(angles, Math.cos), [length, half]),
    sin: tf.tensor2d(Float32Array.from(angles, Math.sin), [length, half]),
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
