import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { loadBackend } from '../tensor/backend.ts';
import { rotaryAngles } from './angles.ts';
import { checkConfig, SMALL_TRANSFORMER } from './config.ts';
import golden from './golden/model.json' with { type: 'json' };
import { pullBack } from './gradient.ts';
import { hiddenStates, nextTokenLosses, tokenLogits } from './model.ts';
import { initialParameters, sizeOf, weightSpecs, weightTensors } from './weights.ts';

const { vocabularySize, batch, length } = golden;
const config = { ...golden.config, initialDeviation: 0.02 };
const specs = weightSpecs(config, vocabularySize);

/** The weights of scripts/golden/transformer.py. */
function goldenWeights(): tf.Tensor[] {
  let index = 0;
  const values = specs.flatMap((spec) =>
    Array.from({ length: sizeOf(spec) }, () => {
      const wave = Math.sin(++index);
      return spec.deviation === 'ones' ? 1 + 0.1 * wave : 0.3 * wave;
    }),
  );
  return weightTensors(specs, Float32Array.from(values));
}

const indices = Array.from({ length: batch * length }, (_, index) => index);
const tokens = indices.map((index) => (3 * index * index + index) % vocabularySize);
const wanted = indices.map((index) => (5 * index + 1) % vocabularySize);

/** The largest |actual - expected| over the root mean square of all expected values. */
function relativeError(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  const size = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length);
  return Math.max(...expected.map((value, index) => Math.abs(value - actual[index]!))) / size;
}

// The cpu backend has no fused kernels: there the same model runs on plain tfjs operations.
describe.each(['wasm', 'cpu'])('the model on %s against PyTorch', (backend) => {
  let weights: tf.Tensor[];
  let angles: ReturnType<typeof rotaryAngles>;
  beforeAll(async () => {
    await loadBackend('wasm');
    if (backend === 'cpu') await tf.setBackend('cpu');
    weights = goldenWeights();
    angles = rotaryAngles(config, length);
  });
  afterAll(() => tf.dispose([weights, angles.cos, angles.sin]));

  it('gives its logits', () => {
    const logits = tf.tidy(() => {
      const ids = tf.tensor1d(tokens, 'int32');
      const hidden = hiddenStates(config, weights, { ids, batch, length }, angles);
      return tokenLogits(config, weights, hidden).dataSync();
    });
    expect(relativeError(logits, golden.logits)).toBeLessThan(1e-4);
  });

  it('gives its losses and their gradient', async () => {
    const ids = tf.tensor1d(tokens, 'int32');
    const targets = tf.tensor1d(wanted, 'int32');
    let losses = new Float32Array();
    const gradient = new Float32Array(golden.gradient.length).fill(Number.NaN);
    await pullBack(
      weights,
      () => nextTokenLosses(config, weights, { ids, batch, length }, targets, angles),
      (values) => {
        losses = Float32Array.from(values);
        return Float32Array.from(indices, Math.cos);
      },
      { flat: gradient, adds: false },
    );
    expect(relativeError(losses, golden.losses)).toBeLessThan(1e-4);
    expect(relativeError(gradient, golden.gradient)).toBeLessThan(1e-4);
    tf.dispose([ids, targets]);
  });
});

describe('weights', () => {
  it('start normal, residual projections smaller, gains at 1', () => {
    const small = weightSpecs(SMALL_TRANSFORMER, 700);
    const values = initialParameters(small, createRandom(5));
    let offset = 0;
    const deviations = small.map((spec) => {
      const part = [...values.subarray(offset, offset + sizeOf(spec))];
      offset += sizeOf(spec);
      return [spec.name, Math.sqrt(part.reduce((sum, value) => sum + value * value, 0) / part.length)];
    });
    expect(offset).toBe(values.length);
    const found = Object.fromEntries(deviations);
    expect(found.embedding).toBeCloseTo(0.02, 3);
    expect(found['0.gateUp']).toBeCloseTo(0.02, 3);
    expect(found['1.down']).toBeCloseTo(0.01, 3);
    expect(found.norm).toBe(1);
  });

  it('do not depend on the weights before them', () => {
    const specs = weightSpecs(SMALL_TRANSFORMER, 700);
    const more = weightSpecs(SMALL_TRANSFORMER, 800);
    const [a, b] = [initialParameters(specs, createRandom(5)), initialParameters(more, createRandom(5))];
    expect(a.subarray(700 * 64)).toEqual(b.subarray(800 * 64));
  });
});

it.each([
  [{ modelSize: 6 }, /modelSize must be a positive multiple of 4, got 6/],
  [{ headSize: 12 }, /headSize must be a positive multiple of 8, got 12/],
  [{ layers: 0 }, /layers/],
  [{ kvHeads: 3 }, /kvHeads must divide heads \(4\), got 3/],
  [{ rotaryBase: 1 }, /rotaryBase must be above 1/],
  [{ normEpsilon: 0 }, /normEpsilon must be above 0/],
  [{ initialDeviation: 0 }, /initialDeviation must be above 0, got 0/],
])('refuses %o', (change, message) => {
  const check = () => checkConfig({ ...SMALL_TRANSFORMER, ...change });
  expect(check).toThrow(InputError);
  expect(check).toThrow(message);
});
