import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { logSoftmax } from '../softmax.ts';
import { availableBackends, type BackendName, loadBackend } from './backend.ts';
import { asFloat32, DRAWN_COLUMNS, drawTokens } from './draw.ts';
import { valuesOf } from './read.ts';
import {
  hasSoftwareVulkan,
  requireSoftwareVulkanInCi,
  useSoftwareVulkan,
} from './webgpu/software-vulkan.test-helper.ts';

requireSoftwareVulkanInCi('draws on webgpu');
if (hasSoftwareVulkan) useSoftwareVulkan();

const present = (await availableBackends()).filter(({ problem }) => problem === undefined);
const ALMOST_ONE = 1 - 2 ** -53;

afterAll(() => loadBackend('wasm'));

/** Rows of logits: spread out, all equal, and with ids that are never drawn at both ends. */
function someLogits(columns: number): readonly Float32Array[] {
  const random = createRandom(columns);
  const spread = Float32Array.from({ length: columns }, () => 6 * (random.uniform() - 0.5));
  const cut = spread.map((value, id) => (id < columns / 4 || id >= columns - 2 ? -1000 : value));
  return [spread, new Float32Array(columns).fill(-3.5), cut];
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

describe.each(['cpu', ...present.map(({ name }) => name)])('draws on %s', (backend) => {
  const drawn = async (
    logits: readonly Float32Array[],
    rows: readonly number[],
    uniforms: readonly number[],
    greedy = false,
  ): Promise<readonly Float32Array[]> => {
    await loadBackend(backend === 'cpu' ? 'wasm' : (backend as BackendName));
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const values = await valuesOf(() => {
      const matrix = tf.tensor2d(
        logits.flatMap((row) => [...row]),
        [logits.length, logits[0]!.length],
      );
      const numbers = asFloat32(uniforms);
      return drawTokens(matrix, { rows: Int32Array.from(rows), uniforms: numbers, temperature: 0.8, greedy });
    });
    expect(tf.memory().numTensors).toBe(before);
    return rows.map((_, index) => values.subarray(index * DRAWN_COLUMNS, (index + 1) * DRAWN_COLUMNS));
  };

  it.each([4, 64, 100, 1000])(
    'of %d ids are where the running sum of the softmax passes the uniform',
    async (columns) => {
      const logits = someLogits(columns);
      const random = createRandom(1);
      const uniforms = [0, 1e-9, 0.5, ALMOST_ONE, ...Array.from({ length: 20 }, () => random.uniform())];
      const rows = logits.flatMap((_, row) => uniforms.map(() => row));
      const all = await drawn(
        logits,
        rows,
        logits.flatMap(() => uniforms),
      );
      const seen = new Set<number>();
      for (const [index, [id, difference, total, mean]] of all.entries()) {
        const logProbs = logSoftmax(logits[rows[index]!]!, 0.8);
        const probabilities = logProbs.map(Math.exp);
        const uniform = uniforms[index % uniforms.length]!;
        const before = sum(probabilities.subarray(0, id));
        // Running sums in float32 are off by some millionths.
        expect(before).toBeLessThan(uniform + 3e-6);
        expect(before + probabilities[id!]!).toBeGreaterThan(uniform - 3e-6);
        expect(probabilities[id!]!).toBeGreaterThan(0);
        expect(Math.abs(difference! - Math.log(total!) - logProbs[id!]!)).toBeLessThan(1e-5);
        const entropy = -sum(probabilities.map((p, at) => (p > 0 ? p * logProbs[at]! : 0)));
        expect(Math.abs(Math.log(total!) - mean! / total! - entropy)).toBeLessThan(1e-5);
        seen.add(id!);
      }
      expect(seen.size).toBeGreaterThan(Math.min(2, columns / 10));
    },
  );

  it('may leave rows out and take others again, in any order', async () => {
    const logits = someLogits(100);
    const rows = [2, 0, 2];
    const together = await drawn(logits, rows, [0.3, 0.6, 0.9]);
    for (const [index, row] of rows.entries()) {
      const [alone] = await drawn([logits[row]!], [0], [[0.3, 0.6, 0.9][index]!]);
      expect(Math.abs(alone![0]! - together[index]![0]!)).toBe(0);
    }
  });

  it('are never of an id of probability 0, whatever rounding leaves of the uniform', async () => {
    const random = createRandom(7);
    const logits = Array.from({ length: 400 }, () =>
      Float32Array.from({ length: 1000 }, (_, id) => (id < 700 ? 8 * random.uniform() : -1000)),
    );
    const rows = [...logits.keys()];
    const found = await drawn(
      logits,
      rows,
      rows.map(() => ALMOST_ONE),
    );
    for (const [id] of found) expect(id).toBeLessThan(700);
  });

  it('when greedy are the first of the most likely', async () => {
    const logits = someLogits(200).map((row) => Float32Array.from(row));
    for (const id of [70, 71, 199]) logits[0]![id] = 9;
    const best = await drawn(logits, [0, 1, 2], [0.9, 0.9, 0.9], true);
    expect(best.map(([id]) => id)).toEqual([70, 0, logits[2]!.indexOf(Math.max(...logits[2]!))]);
    for (const [, difference] of best) expect(difference).toBe(0);
  });
});
