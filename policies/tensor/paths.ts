import * as tf from '@tensorflow/tfjs';
import type { HeadLayout, Paths } from './layout.ts';
import { attendHeads, causalMask, fusedAttention, hasKernel, takeRows } from './ops.ts';

type Shape = Omit<HeadLayout, 'batch' | 'length'>;

/** Lengths are rounded up to these steps, so that backends that compile for shapes meet few. */
const LENGTH_STEP = 8;

/**
 * Softmax attention along the paths of a tree: every token sees those from the root to itself. Rows [queries, keys,
 * values] to rows of `heads · headSize` mixed values. What runs share is stored once, and its queries are asked once.
 *
 * Without a fused kernel, runs with about as many queries are a batch: their queries, and the keys and values of their
 * whole paths, padded. One matrix of all tokens with a mask of ancestors would be quadratic in the size of the whole tree.
 */
export function pathAttention(x: tf.Tensor2D, paths: Paths, shape: Shape): tf.Tensor2D {
  if (hasKernel('PathAttention')) {
    return fusedAttention('PathAttention', x, { ...shape, batch: 1, length: x.shape[0], paths });
  }
  const { heads, kvHeads, headSize } = shape;
  const parts = tf.split(x, [heads * headSize, kvHeads * headSize, kvHeads * headSize], 1);
  const batches = runBatches(paths);
  const places = new Int32Array(x.shape[0]);
  let offset = 0;
  for (const { runs, most } of batches) {
    for (const [index, { first, queries }] of runs.entries()) {
      for (let query = 0; query < queries; query++) places[first + query] = offset + index * most + query;
    }
    offset += runs.length * most;
  }
  const mixed = batches.map((batch) =>
    attendBatch(parts as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D], batch, shape),
  );
  return takeRows(mixed.length === 1 ? mixed[0]! : tf.concat(mixed), tf.tensor1d(places, 'int32'));
}

/** Floats that `pathAttention` keeps for its gradient, about. */
export function pathAttentionFloats(paths: Paths, { heads, kvHeads, headSize }: Shape): number {
  if (hasKernel('PathAttention')) {
    return paths.queries.reduce((sum, count, run) => sum + heads * count * paths.lengths[run]!, 0);
  }
  return runBatches(paths).reduce((sum, { runs, most, longest }) => {
    // Scores before and after the mask and the softmax; queries and what is mixed; keys and values.
    const perRun =
      3 * heads * most * longest + 2 * heads * headSize * most + 2 * kvHeads * headSize * longest;
    return sum + runs.length * perRun;
  }, 0);
}

interface Run {
  readonly first: number;
  readonly queries: number;
  /** The rows of all tokens from the root to the last query. */
  readonly tokens: Int32Array;
}

/** Runs that are padded to `most` queries and `longest` positions. */
interface RunBatch {
  readonly runs: readonly Run[];
  readonly most: number;
  readonly longest: number;
}

/** Runs together whose numbers of queries have the same power of two above them. */
function runBatches({ firsts, queries, lengths, tokens }: Paths): readonly RunBatch[] {
  const groups = new Map<number, Run[]>();
  let path = 0;
  for (const [index, first] of firsts.entries()) {
    const count = queries[index]!;
    const size = Math.max(LENGTH_STEP, 2 ** Math.ceil(Math.log2(count)));
    const run: Run = { first, queries: count, tokens: tokens.subarray(path, path + lengths[index]!) };
    path += lengths[index]!;
    groups.set(size, [...(groups.get(size) ?? []), run]);
  }
  return [...groups.values()].map((runs) => ({
    runs,
    most: roundUp(Math.max(...runs.map((run) => run.queries))),
    longest: roundUp(Math.max(...runs.map((run) => run.tokens.length))),
  }));
}

const roundUp = (length: number): number => LENGTH_STEP * Math.ceil(length / LENGTH_STEP);

function attendBatch(
  [allQueries, allKeys, allValues]: readonly [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D],
  { runs, most, longest }: RunBatch,
  { heads, kvHeads, headSize }: Shape,
): tf.Tensor2D {
  const count = runs.length;
  const group = heads / kvHeads;
  const asked = new Int32Array(count * most);
  const positions = new Int32Array(count * most);
  const seen = new Int32Array(count * longest);
  for (const [index, { first, queries, tokens }] of runs.entries()) {
    for (let query = 0; query < queries; query++) {
      asked[index * most + query] = first + query;
      positions[index * most + query] = tokens.length - queries + query;
    }
    seen.set(tokens, index * longest);
  }
  const apart = (all: tf.Tensor2D, rows: Int32Array, length: number, perKey: number): tf.Tensor3D => {
    const taken = takeRows(all, tf.tensor1d(rows, 'int32'));
    const split = tf.reshape(taken, [count, length, kvHeads, perKey, headSize]);
    return tf.reshape(tf.transpose(split, [0, 2, 3, 1, 4]), [count * kvHeads, perKey * length, headSize]);
  };
  const queries = apart(allQueries, asked, most, group);
  const keys = apart(allKeys, seen, longest, 1);
  const values = apart(allValues, seen, longest, 1);
  // What stands behind a query's own position is after it, or padding.
  const at = tf.tensor2d(positions, [count, most], 'int32');
  return attendHeads({ queries, keys, values }, causalMask(at, longest), { heads, kvHeads, headSize });
}
