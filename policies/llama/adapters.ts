import type * as tf from '@tensorflow/tfjs';
import type { Random } from '../../core/random.ts';
import type { TransformerConfig } from './config.ts';
import { type Parameters, parametersOf } from './parameters.ts';
import { initialParameters, sizeOf, type WeightSpec, weightSpecs, weightTensors } from './weights.ts';

/** Low-rank adapters (Hu et al. 2021): a matrix W is W + alpha / rank · A · B, and only A and B are trained. */
export interface AdapterOptions {
  /** Columns of A and rows of B. */
  readonly rank: number;
  readonly alpha: number;
}

/** An adapter of some columns of a weight: queries, keys, values, gate and up have one each. */
interface Adapter {
  /** Which of `weightSpecs`, and where it begins among all parameters of the model. */
  readonly weight: number;
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
  /** The adapted columns. */
  readonly column: number;
  readonly width: number;
  /** Where A [rows, rank] and B [rank, width] begin among the adapters' parameters. */
  readonly a: number;
  readonly b: number;
}

/** A model's adapters, and the parameters that they are made of. */
export interface Adapters {
  readonly list: readonly Adapter[];
  /** A and B of every adapter. A starts normal with variance 1 / (3 · rows), B with zeros: nothing changes at first. */
  readonly specs: readonly WeightSpec[];
}

/** Adapters of all projections: queries, keys, values, output of attention, gate, up, down. */
export function adaptersOf(
  config: TransformerConfig,
  vocabularySize: number,
  { rank }: AdapterOptions,
): Adapters {
  const { heads, kvHeads, headSize, ffnSize, modelSize } = config;
  const parts: Readonly<Record<string, readonly (readonly [name: string, width: number])[]>> = {
    qkv: [
      ['queries', heads * headSize],
      ['keys', kvHeads * headSize],
      ['values', kvHeads * headSize],
    ],
    mix: [['mix', modelSize]],
    gateUp: [
      ['gate', ffnSize],
      ['up', ffnSize],
    ],
    down: [['down', modelSize]],
  };
  const list: Adapter[] = [];
  const specs: WeightSpec[] = [];
  let [offset, own] = [0, 0];
  for (const [weight, spec] of weightSpecs(config, vocabularySize).entries()) {
    const [layer, kind] = spec.name.split('.');
    let column = 0;
    for (const [name, width] of parts[kind ?? ''] ?? []) {
      const [rows, columns] = spec.shape as [number, number];
      list.push({ weight, offset, rows, columns, column, width, a: own, b: own + rows * rank });
      specs.push(
        { name: `${layer}.${name}.a`, shape: [rows, rank], deviation: 1 / Math.sqrt(3 * rows) },
        { name: `${layer}.${name}.b`, shape: [rank, width], deviation: 'zeros' },
      );
      own += rank * (rows + width);
      column += width;
    }
    offset += sizeOf(spec);
  }
  return { list, specs };
}

/** Writes the weights with their adapters into `into`. */
export function mergeAdapters(
  { list }: Adapters,
  { rank, alpha }: AdapterOptions,
  base: Float32Array,
  values: ArrayLike<number>,
  into: Float32Array,
): void {
  into.set(base);
  for (const { offset, rows, columns, column, width, a, b } of list) {
    for (let row = 0; row < rows; row++) {
      const at = offset + row * columns + column;
      for (let k = 0; k < rank; k++) {
        const factor = (alpha / rank) * values[a + row * rank + k]!;
        const from = b + k * width;
        for (let index = 0; index < width; index++) into[at + index]! += factor * values[from + index]!;
      }
    }
  }
}

/** Adds to the adapters' gradient what the gradient of a weight gives: dA = scale · dW · Bᵀ, dB = scale · Aᵀ · dW. */
function addAdapterGradient(
  { rows, columns, column, width, a, b }: Adapter,
  { rank, alpha }: AdapterOptions,
  weightGradient: Float32Array,
  values: Float32Array,
  flat: Float32Array,
): void {
  const scale = alpha / rank;
  for (let row = 0; row < rows; row++) {
    const at = row * columns + column;
    for (let k = 0; k < rank; k++) {
      const from = b + k * width;
      const factor = scale * values[a + row * rank + k]!;
      let sum = 0;
      for (let index = 0; index < width; index++) {
        const gradient = weightGradient[at + index]!;
        sum += gradient * values[from + index]!;
        flat[from + index]! += factor * gradient;
      }
      flat[a + row * rank + k]! += scale * sum;
    }
  }
}

/** Adapters on frozen weights as the parameters of a policy: drawn from `random`, they change nothing at first. */
export function createAdapterParameters(
  owner: string,
  config: TransformerConfig,
  vocabularySize: number,
  options: AdapterOptions,
  random: Random,
  base: Float32Array,
): Parameters {
  const specs = weightSpecs(config, vocabularySize);
  const adapters = adaptersOf(config, vocabularySize, options);
  const current = initialParameters(adapters.specs, random);
  const merged = new Float32Array(base.length);
  const make = (): readonly tf.Tensor[] => {
    mergeAdapters(adapters, options, base, current, merged);
    return weightTensors(specs, merged);
  };
  const isTrained = new Set(adapters.list.map(({ weight }) => weight));
  return parametersOf(owner, current, make, {
    isAdapted: true,
    isTrained: (weight) => isTrained.has(weight),
    addGradient: (weight, gradient, flat) => {
      for (const adapter of adapters.list) {
        if (adapter.weight === weight) addAdapterGradient(adapter, options, gradient, current, flat);
      }
    },
  });
}
