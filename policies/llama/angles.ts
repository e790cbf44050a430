import * as tf from '@tensorflow/tfjs';
import type { Angles } from '../tensor/ops.ts';
import type { RotaryScaling, TransformerConfig } from './config.ts';

/** Radians per position of every pair: rotaryBase^(-2i / headSize), scaled as the configuration says. */
export function rotaryFrequencies({
  headSize,
  rotaryBase,
  rotaryScaling,
}: Pick<TransformerConfig, 'headSize' | 'rotaryBase' | 'rotaryScaling'>): readonly number[] {
  const half = headSize / 2;
  return Array.from({ length: half }, (_, index) => scaled(rotaryBase ** (-index / half), rotaryScaling));
}

function scaled(frequency: number, scaling: RotaryScaling | undefined): number {
  if (scaling === undefined) return frequency;
  const low = frequency / scaling.factor;
  if (scaling.kind === 'linear') return low;
  const { lowFrequencyFactor, highFrequencyFactor, originalLength } = scaling;
  // Wavelengths that fit into the first training.
  const waves = (originalLength * frequency) / (2 * Math.PI);
  if (waves < lowFrequencyFactor) return low;
  if (waves > highFrequencyFactor) return frequency;
  const share = (waves - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  return (1 - share) * low + share * frequency;
}

/** Cosines and sines of position · frequency for `length` positions from 0 on. */
export function rotaryAngles(config: TransformerConfig, length: number): Angles {
  const half = config.headSize / 2;
  const frequencies = rotaryFrequencies(config);
  const angles = Array.from(
    { length: length * half },
    (_, index) => Math.floor(index / half) * frequencies[index % half]!,
  );
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
