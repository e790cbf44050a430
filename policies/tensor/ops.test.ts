import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { loadBackend } from './backend.ts';
import type { HeadLayout, Paths } from './layout.ts';
import { causalAttention, crossEntropy, pathAttention, rmsNorm, rotate, swiGlu, takeRows } from './ops.ts';

const random = createRandom(11);
const numbers = (size: number, scale = 1): Float32Array =>
  Float32Array.from({ length: size }, () => scale * (random.uniform() - 0.5));

interface Case {
  readonly name: string;
  readonly inputs: readonly (readonly [Float32Array, readonly number[]])[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
}

/** The output and, for slopes sin(1), sin(2), …, the gradient of every input. */
function evaluate({ inputs, run }: Case): Float32Array[] {
  const values = tf.tidy(() => {
    const tensors = inputs.map(([data, shape]) => tf.tensor(data, [...shape], 'float32'));
    const value = run(...tensors);
    const slopes = tf.tensor(
      Float32Array.from({ length: value.size }, (_, i) => Math.sin(i + 1)),
      value.shape,
    );
    const gradient = tf.grads(run)(tensors, slopes);
    return [value, ...gradient].map((tensor) => tensor.dataSync<'float32'>());
  });
  return values.map((value) => Float32Array.from(value));
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
function somePaths(runs: number, longest: number): Paths {
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

const cases: readonly Case[] = [
  ...flips.flatMap(([flipA, flipB]) => [
    matMulCase(1, 1, 1, flipA, flipB),
    matMulCase(5, 3, 9, flipA, flipB),
    matMulCase(70, 300, 17, flipA, flipB),
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

describe('fused kernels against plain operations', () => {
  const fused: Float32Array[][] = [];
  const plain: Float32Array[][] = [];
  beforeAll(async () => {
    await loadBackend('wasm');
    for (const operation of cases) fused.push(evaluate(operation));
    await tf.setBackend('cpu');
    for (const operation of cases) plain.push(evaluate(operation));
    await tf.setBackend('wasm');
  });

  it.each(cases.map((operation, index) => ({ name: operation.name, index })))('$name', ({ index }) => {
    for (const [part, expected] of plain[index]!.entries()) {
      const actual = fused[index]![part]!;
      expect(actual.length).toBe(expected.length);
      const size = Math.max(1e-3, ...expected.map(Math.abs));
      expect(Math.max(...expected.map((value, at) => Math.abs(value - actual[at]!)))).toBeLessThan(
        1e-5 * size,
      );
    }
  });
});

describe('on wasm', () => {
  beforeAll(() => loadBackend('wasm'));

  it('cross-entropy stays finite where the probability is not a float32', () => {
    const losses = tf.tidy(() =>
      crossEntropy(
        tf.tensor2d([
          [0, 200, 0, 0],
          [500, -500, 500, 0],
        ]),
        tf.tensor1d([0, 1], 'int32'),
      ).dataSync(),
    );
    expect(losses[0]).toBeCloseTo(200, 4);
    expect(losses[1]).toBeCloseTo(1000 + Math.log(2), 3);
  });

  it('exponentials are right to 1e-6 from the largest to the smallest', () => {
    const scores = Float32Array.from({ length: 320 }, (_, index) => -index / 4);
    const losses = tf.tidy(() => {
      const rows = tf.tensor2d(
        Float32Array.from([...scores].flatMap((score) => [0, score, score, score])),
        [320, 4],
      );
      return crossEntropy(rows, tf.fill([320], 1, 'int32') as tf.Tensor1D).dataSync();
    });
    for (const [index, score] of scores.entries()) {
      const exact = Math.log(1 + 3 * Math.exp(score)) - score;
      expect(Math.abs(losses[index]! - exact)).toBeLessThan(1e-6 * Math.max(1, exact) * 2);
    }
  });

  it('not-a-number spreads instead of hiding', () => {
    const x = tf.tensor2d([[Number.NaN, 1, 1, 1, 1, 1, 1, 1]]);
    const [glu, loss] = tf.tidy(() => [
      swiGlu(x).dataSync()[0],
      crossEntropy(x, tf.tensor1d([1], 'int32')).dataSync()[0],
    ]);
    expect(glu).toBeNaN();
    expect(loss).toBeNaN();
    x.dispose();
  });
});

it('pathAttention on wrong paths is something else', () => {
  const paths = somePaths(9, 20);
  const tokens = paths.tokens.slice();
  // The last run goes on from another token than it did.
  const last = tokens.length - paths.lengths.at(-1)!;
  tokens[last] = tokens[last] === 0 ? 1 : 0;
  const count = paths.queries.reduce((sum, one) => sum + one, 0);
  const data = numbers(count * 32, 4);
  const [right, wrong] = [paths, { ...paths, tokens }].map((given) =>
    tf.tidy(() =>
      pathAttention(tf.tensor2d(data, [count, 32]), given, {
        heads: 2,
        kvHeads: 1,
        headSize: 8,
      }).dataSync<'float32'>(),
    ),
  ) as [Float32Array, Float32Array];
  expect(Math.max(...right.map((value, index) => Math.abs(value - wrong[index]!)))).toBeGreaterThan(1e-3);
});
