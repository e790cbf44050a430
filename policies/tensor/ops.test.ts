import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from './backend.ts';
import { CASES, distance, evaluate, numbers, somePaths } from './cases.test-helper.ts';
import { crossEntropy, swiGlu, takeRows } from './ops.ts';
import { pathAttention } from './paths.ts';

describe('fused kernels against plain operations', () => {
  const fused: (readonly Float32Array[])[] = [];
  const plain: (readonly Float32Array[])[] = [];
  beforeAll(async () => {
    await loadBackend('wasm');
    for (const operation of CASES) fused.push(await evaluate(operation));
    await tf.setBackend('cpu');
    for (const operation of CASES) plain.push(await evaluate(operation));
    await tf.setBackend('wasm');
  });

  it.each(CASES.map((operation, index) => ({ name: operation.name, index })))('$name', ({ index }) => {
    for (const [part, expected] of plain[index]!.entries()) {
      expect(distance(fused[index]![part]!, expected)).toBeLessThan(1e-5);
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

it('rows of any width are taken', async () => {
  await loadBackend('wasm');
  for (const width of [1, 3, 4, 8]) {
    const taken = tf.tidy(() => {
      const matrix = tf.reshape(tf.range(0, 5 * width), [5, width]) as tf.Tensor2D;
      return takeRows(matrix, tf.tensor1d([4, 0, 4], 'int32')).arraySync();
    });
    const row = (index: number) => Array.from({ length: width }, (_, at) => index * width + at);
    expect(taken).toEqual([row(4), row(0), row(4)]);
  }
});
