import * as tf from '@tensorflow/tfjs';
import { type Angles, attend, rotate, splitHeads } from '../tensor/ops.ts';
import type { TransformerConfig } from './config.ts';
import { headLayout, runBlocks, type TokenBatch } from './model.ts';

/**
 * The keys and values of every position read so far, per layer: [batch · kvHeads, length, headSize]. Immutable:
 * reading on gives a new cache, so any number of continuations can share one.
 */
export interface KeyValueCache {
  readonly batch: number;
  /** Positions held. */
  readonly length: number;
  readonly layers: readonly { readonly keys: tf.Tensor3D; readonly values: tf.Tensor3D }[];
}

/**
 * Reads tokens after those that the cache holds. Gives the same hidden states as reading everything at once, to
 * float rounding, and the cache of both. For acting: no gradient is kept. The caller disposes of all results.
 * @param cache of the same batch; undefined at the start.
 * @param angles of positions `cache.length` to `cache.length + length - 1` (`rotaryAngles` with a start).
 * @throws RangeError when the cache is of another batch size.
 */
export function readOn(
  config: TransformerConfig,
  weights: readonly tf.Tensor[],
  cache: KeyValueCache | undefined,
  { ids, batch, length }: TokenBatch,
  angles: Angles,
): { readonly hidden: tf.Tensor2D; readonly cache: KeyValueCache } {
  if (cache !== undefined && cache.batch !== batch) {
    throw new RangeError(`readOn: the cache is of ${cache.batch} rows, the tokens of ${batch}`);
  }
  const layout = headLayout(config, batch, length);
  const layers: { keys: tf.Tensor3D; values: tf.Tensor3D }[] = [];
  const hidden = tf.tidy(() =>
    runBlocks(config, weights, ids, (heads, layer) => {
      const fresh = splitHeads(rotate(heads, angles, layout), layout);
      const before = cache?.layers[layer];
      const join = (past: tf.Tensor3D | undefined, now: tf.Tensor3D): tf.Tensor3D =>
        tf.keep(past === undefined ? now.clone() : tf.concat([past, now], 1));
      const keys = join(before?.keys, fresh.keys);
      const values = join(before?.values, fresh.values);
      layers.push({ keys, values });
      return attend({ queries: fresh.queries, keys, values }, layout);
    }),
  );
  return { hidden, cache: { batch, length: (cache?.length ?? 0) + length, layers } };
}

/** The cache of chosen rows, in their order and as often as they are named: how rollouts fork. */
export function selectRows(
  config: TransformerConfig,
  cache: KeyValueCache,
  rows: readonly number[],
): KeyValueCache {
  const { kvHeads } = config;
  // Heads of one row lie side by side.
  const indices = rows.flatMap((row) => Array.from({ length: kvHeads }, (_, head) => row * kvHeads + head));
  const layers = tf.tidy(() => {
    const picked = tf.tensor1d(indices, 'int32');
    return cache.layers.map(({ keys, values }) => ({
      keys: tf.keep(tf.gather(keys, picked)),
      values: tf.keep(tf.gather(values, picked)),
    }));
  });
  return { batch: rows.length, length: cache.length, layers };
}

/** Frees a cache's tensors. */
export function disposeCache(cache: KeyValueCache): void {
  for (const { keys, values } of cache.layers) tf.dispose([keys, values]);
}
