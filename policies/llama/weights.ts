import * as tf from '@tensorflow/tfjs';
import type { Random } from '../../core/random.ts';
import type { TransformerConfig } from './config.ts';

/** One weight: its name, its shape, and how it starts (normal with this deviation, or all ones, or all zeros). */
export interface WeightSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly deviation: number | 'ones' | 'zeros';
}

/** Floats in a weight. */
export const sizeOf = (spec: WeightSpec): number => spec.shape.reduce((product, size) => product * size, 1);

/**
 * All weights in their fixed order. Matrices map rows to rows: y = x · W with W [in, out]. `qkv` has the
 * columns of queries, keys and values side by side, `gateUp` those of gate and up. Projections back into
 * the residual stream start smaller by √(2 · layers), so that its variance does not grow with depth. What only some
 * configurations have: `qkvBias`, gains of heads `queryNorm` and `keyNorm`, and `output` [ids, modelSize] at the end.
 */
export function weightSpecs(config: TransformerConfig, vocabularySize: number): readonly WeightSpec[] {
  const { modelSize, layers, heads, kvHeads, headSize, ffnSize } = config;
  const deviation = config.initialDeviation;
  const residual = deviation / Math.sqrt(2 * layers);
  const matrix = (name: string, rows: number, columns: number, spread = deviation): WeightSpec => ({
    name,
    shape: [rows, columns],
    deviation: spread,
  });
  const gain = (name: string, width = modelSize): WeightSpec => ({ name, shape: [width], deviation: 'ones' });
  const projected = (heads + 2 * kvHeads) * headSize;
  const blocks = Array.from({ length: layers }, (_, layer) => [
    gain(`${layer}.attentionNorm`),
    matrix(`${layer}.qkv`, modelSize, projected),
    ...(config.qkvBias === true
      ? [{ name: `${layer}.qkvBias`, shape: [projected], deviation: 'zeros' } as const]
      : []),
    ...(config.headNorms === true
      ? [gain(`${layer}.queryNorm`, headSize), gain(`${layer}.keyNorm`, headSize)]
      : []),
    matrix(`${layer}.mix`, heads * headSize, modelSize, residual),
    gain(`${layer}.ffnNorm`),
    matrix(`${layer}.gateUp`, modelSize, 2 * ffnSize),
    matrix(`${layer}.down`, ffnSize, modelSize, residual),
  ]);
  return [
    matrix('embedding', vocabularySize, modelSize),
    ...blocks.flat(),
    gain('norm'),
    ...(config.untied === true ? [matrix('output', vocabularySize, modelSize)] : []),
  ];
}

/** Starting values of all weights, one after the other: normal (Box and Muller) draws, gains 1. */
export function initialParameters(specs: readonly WeightSpec[], random: Random): Float32Array {
  return Float32Array.from(
    specs.flatMap((spec) => {
      const stream = random.split(spec.name);
      const { deviation } = spec;
      if (typeof deviation === 'string') {
        return Array.from({ length: sizeOf(spec) }, () => (deviation === 'ones' ? 1 : 0));
      }
      return Array.from({ length: sizeOf(spec) }, () => {
        const radius = Math.sqrt(-2 * Math.log(1 - stream.uniform()));
        return deviation * radius * Math.cos(2 * Math.PI * stream.uniform());
      });
    }),
  );
}

/**
 * The weights as tensors, in the order of `weightSpecs`. The caller disposes of them, and leaves `parameters` as they are
 * until then: backends read them when they first need them, or in place.
 */
export function weightTensors(specs: readonly WeightSpec[], parameters: Float32Array): tf.Tensor[] {
  let offset = 0;
  return specs.map((spec) => {
    offset += sizeOf(spec);
    return tf.tensor(parameters.subarray(offset - sizeOf(spec), offset), [...spec.shape], 'float32');
  });
}
