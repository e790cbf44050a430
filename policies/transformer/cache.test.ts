import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { loadBackend } from '../tensor/backend.ts';
import { disposeCache, type KeyValueCache, readOn, selectRows } from './cache.ts';
import { SMALL_TRANSFORMER as config } from './config.ts';
import { hiddenStates, initialParameters, rotaryAngles, weightSpecs, weightTensors } from './model.ts';

const VOCABULARY = 64;
const [batch, length] = [3, 13];

describe.each(['wasm', 'cpu'])('the key-value cache on %s', (backend) => {
  let weights: tf.Tensor[];
  const random = createRandom(4);
  const tokens = Array.from({ length: batch * length }, () => random.integer(VOCABULARY));
  beforeAll(async () => {
    await loadBackend('wasm');
    await tf.setBackend(backend);
    const specs = weightSpecs(config, VOCABULARY);
    // Ten times larger than at the start, so that attention is far from uniform.
    weights = weightTensors(
      specs,
      initialParameters(specs, random.split('w')).map((x) => 10 * x),
    );
  });

  const columns = (rows: readonly (readonly number[])[], from: number, to: number) => ({
    ids: tf.tensor1d(
      rows.flatMap((row) => row.slice(from, to)),
      'int32',
    ),
    batch: rows.length,
    length: to - from,
  });
  const table = Array.from({ length: batch }, (_, row) => tokens.slice(row * length, (row + 1) * length));
  const whole = (rows: readonly (readonly number[])[]): number[][] => {
    const size = rows[0]!.length;
    const hidden = hiddenStates(config, weights, columns(rows, 0, size), rotaryAngles(config, size));
    return (tf.reshape(hidden, [rows.length, size, config.modelSize]).arraySync() as number[][][]).map(
      (row) => row.at(-1)!,
    );
  };
  const stepwise = (rows: readonly (readonly number[])[], cuts: readonly number[], start?: KeyValueCache) => {
    let cache = start;
    let last: number[][] = [];
    for (let i = 0; i + 1 < cuts.length; i++) {
      const part = columns(rows, cuts[i]!, cuts[i + 1]!);
      const result = readOn(config, weights, cache, part, rotaryAngles(config, part.length, cuts[i]!));
      cache = result.cache;
      const shaped = tf.reshape(result.hidden, [rows.length, part.length, config.modelSize]);
      last = (shaped.arraySync() as number[][][]).map((row) => row.at(-1)!);
    }
    return { last, cache: cache! };
  };
  const distance = (a: number[][], b: number[][]): number =>
    Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - b[i]![j]!))));
  const size = (a: number[][]): number => Math.max(...a.flat().map(Math.abs));

  it.each([[[0, 13]], [[0, 12, 13]], [[0, 1, 2, 3, 13]], [[0, 5, 6, 11, 13]]])(
    'gives the hidden states of an uncached pass when read in parts %j',
    (cuts) => {
      const expected = whole(table);
      const { last, cache } = stepwise(table, cuts);
      expect(cache.length).toBe(length);
      expect(distance(last, expected)).toBeLessThan(1e-5 * size(expected));
    },
  );

  it('forks: rows that share a parent give what their own tokens give, and the parent stays as it was', () => {
    const parent = stepwise(table, [0, 8]).cache;
    const children = selectRows(config, parent, [2, 0, 2]);
    const forks = [2, 0, 2].map((row, child) => [...table[row]!.slice(0, 8), child, 7, child + 1]);
    const expected = whole(forks);
    const { last } = stepwise(forks, [8, 9, 11], children);
    expect(distance(last, expected)).toBeLessThan(1e-5 * size(expected));
    // Rows 0 and 2 of the children share a prefix and nothing after it.
    expect(distance([last[0]!], [last[2]!])).toBeGreaterThan(0.01 * size(expected));
    expect(distance(stepwise(table, [8, 13], parent).last, whole(table))).toBeLessThan(1e-5 * size(expected));
  });

  it('needs the right positions: angles that start at 0 are noticed', () => {
    const { cache } = stepwise(table, [0, 8]);
    const wrong = readOn(config, weights, cache, columns(table, 8, 13), rotaryAngles(config, 5, 0));
    const shaped = tf.reshape(wrong.hidden, [batch, 5, config.modelSize]).arraySync() as number[][][];
    const expected = whole(table);
    expect(
      distance(
        shaped.map((row) => row.at(-1)!),
        expected,
      ),
    ).toBeGreaterThan(1e-3 * size(expected));
    const other = columns(table.slice(0, 2), 8, 9);
    expect(() => readOn(config, weights, cache, other, rotaryAngles(config, 1, 8))).toThrow('3 rows');
  });

  it('leaks nothing', () => {
    const part = columns(table, 0, 4);
    const angles = rotaryAngles(config, 4);
    const before = tf.memory().numTensors;
    const { hidden, cache } = readOn(config, weights, undefined, part, angles);
    const forked = selectRows(config, cache, [0, 0]);
    disposeCache(cache);
    disposeCache(forked);
    hidden.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
