import * as tf from '@tensorflow/tfjs';
import { createRandom } from '../../core/random.ts';
import type { HeadLayout, Paths } from './layout.ts';
import { causalAttention, crossEntropy, rmsNorm, rotate, swiGlu, takeRows } from './ops.ts';
import { pathAttention } from './paths.ts';
import { takeValues } from './read.ts';

const random = createRandom(11);
/** Numbers around 0, new ones with every call. */
export const numbers = (size: number, scale = 1): Float32Array =>
  Float32Array.from({ length: size }, () => scale * (random.uniform() - 0.5));

/** An operation and what it is applied to. */
export interface Case {
  readonly name: string;
  readonly inputs: readonly (readonly [Float32Array, readonly number[]])[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
}

/** The output and, for gradients sin(1), sin(2), …, the gradient of every input, on the current backend. */
export function evaluate({ inputs, run }: Case): Promise<readonly Float32Array[]> {
  const tensors = tf.tidy(() => {
    const given = inputs.map(([data, shape]) => tf.tensor(data, [...shape], 'float32'));
    const value = run(...given);
    const gradients = tf.tensor(
      Float32Array.from({ length: value.size }, (_, i) => Math.sin(i + 1)),
      value.shape,
    );
    return [value, ...tf.grads(run)(given, gradients)];
  });
  return takeValues(tensors);
}

/** The largest difference, relative to the largest number expected (or 0.001). */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  const size = Math.max(1e-3, ...Array.from(expected, Math.abs));
  return Math.max(...Array.from(expected, (value, at) => Math.abs(value - actual[at]!))) / size;
}

const attentionCase = (layout: HeadLayout): Case => {
  const { batch, length, heads, kvHeads, headSize } = layout;
  const width = (heads + 2 * kvHeads) * headSize;
  return {
    name: `causalAttention ${JSON.stringify(layout)}`,
    inputs: [[numbers(batch * length * width, 4), [batch * length, width]]],
    run: (x) => causalAttention(x as tf.Tensor2D, layout),
  };
};

/** Runs that go on from any token of any run before them. */
export function somePaths(runs: number, longest: number): Paths {
  const paths: number[][] = [];
  const [firsts, queries]: number[][] = [[], []];
  let count = 0;
  for (let run = 0; run < runs; run++) {
    const from = run === 0 || random.uniform() < 0.2 ? [] : paths[random.integer(run)]!;
    const own = Array.from({ length: 1 + random.integer(longest) }, (_, index) => count + index);
    firsts!.push(count);
    queries!.push(own.length);
    count += own.length;
    paths.push([...from.slice(0, random.integer(from.length + 1)), ...own]);
  }
  return {
    firsts: Int32Array.from(firsts!),
    queries: Int32Array.from(queries!),
    lengths: Int32Array.from(paths, (path) => path.length),
    tokens: Int32Array.from(paths.flat()),
  };
}

const pathCase = (runs: number, longest: number, heads: number, kvHeads: number): Case => {
  const paths = somePaths(runs, longest);
  const shape = { heads, kvHeads, headSize: 8 };
  const count = paths.queries.reduce((sum, one) => sum + one, 0);
  const width = (heads + 2 * kvHeads) * 8;
  return {
    name: `pathAttention of ${runs} runs of up to ${longest}, ${heads} heads`,
    inputs: [[numbers(count * width, 4), [count, width]]],
    run: (x) => pathAttention(x as tf.Tensor2D, paths, shape),
  };
};

const rotateCase = (layout: HeadLayout): Case => {
  const { batch, length, heads, kvHeads, headSize } = layout;
  const width = (heads + 2 * kvHeads) * headSize;
  const [cosines, sines] = [numbers((length * headSize) / 2), numbers((length * headSize) / 2)];
  return {
    name: `rotate ${JSON.stringify(layout)}`,
    inputs: [[numbers(batch * length * width), [batch * length, width]]],
    run: (x) => {
      const shape: [number, number] = [length, headSize / 2];
      const angles = { cos: tf.tensor2d(cosines, shape), sin: tf.tensor2d(sines, shape) };
      return rotate(x as tf.Tensor2D, angles, layout);
    },
  };
};

const crossEntropyCase = (rows: number, classes: number): Case => {
  const wanted = Array.from({ length: rows }, () => random.integer(classes));
  return {
    name: `crossEntropy ${rows}, ${classes}`,
    inputs: [[numbers(rows * classes, 8), [rows, classes]]],
    run: (logits) => crossEntropy(logits as tf.Tensor2D, tf.tensor1d(wanted, 'int32')),
  };
};

const matMulCase = (rows: number, depth: number, columns: number, flipA: boolean, flipB: boolean): Case => ({
  name: `matMul ${rows}, ${depth}, ${columns}${flipA ? ', A transposed' : ''}${flipB ? ', B transposed' : ''}`,
  inputs: [
    [numbers(rows * depth), flipA ? [depth, rows] : [rows, depth]],
    [numbers(depth * columns), flipB ? [columns, depth] : [depth, columns]],
  ],
  run: (a, b) => tf.matMul(a, b, flipA, flipB),
});

const flips = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;

/** Every operation of the transformer, in shapes of every kind. */
export const CASES: readonly Case[] = [
  ...flips.flatMap(([flipA, flipB]) => [
    matMulCase(1, 1, 1, flipA, flipB),
    matMulCase(5, 3, 9, flipA, flipB),
    matMulCase(70, 300, 17, flipA, flipB),
    matMulCase(24, 2100, 40, flipA, flipB),
  ]),
  {
    name: 'matMul of stacks',
    inputs: [
      [numbers(3 * 4 * 5), [3, 4, 5]],
      [numbers(3 * 5 * 2), [3, 5, 2]],
    ],
    run: (a, b) => tf.matMul(a, b),
  },
  {
    name: 'rmsNorm',
    inputs: [
      [numbers(7 * 12), [7, 12]],
      [numbers(12), [12]],
    ],
    run: (x, gain) => rmsNorm(x as tf.Tensor2D, gain as tf.Tensor1D, 1e-3),
  },
  {
    name: 'swiGlu',
    inputs: [[numbers(5 * 24, 20), [5, 24]]],
    run: (x) => swiGlu(x as tf.Tensor2D),
  },
  {
    name: 'takeRows',
    inputs: [[numbers(5 * 4), [5, 4]]],
    run: (matrix) => takeRows(matrix as tf.Tensor2D, tf.tensor1d([3, 0, 3, 3, 4], 'int32')),
  },
  rotateCase({ batch: 2, length: 5, heads: 4, kvHeads: 2, headSize: 16 }),
  pathCase(1, 9, 2, 1),
  pathCase(7, 5, 4, 2),
  pathCase(9, 60, 6, 2),
  pathCase(40, 12, 2, 2),
  attentionCase({ batch: 2, length: 1, heads: 2, kvHeads: 1, headSize: 8 }),
  attentionCase({ batch: 3, length: 7, heads: 2, kvHeads: 2, headSize: 8 }),
  attentionCase({ batch: 2, length: 33, heads: 6, kvHeads: 2, headSize: 16 }),
  attentionCase({ batch: 1, length: 64, heads: 3, kvHeads: 1, headSize: 24 }),
  crossEntropyCase(3, 4),
  crossEntropyCase(40, 68),
  crossEntropyCase(6, 7),
];
