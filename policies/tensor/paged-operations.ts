import * as tf from '@tensorflow/tfjs';
import { overwriteRows } from './in-place.ts';
import { attendHeads, takeRows } from './ops.ts';
import { PAGE, type PageShape, type PageStore, pageFloats } from './paged.ts';

/** Floats of keys that are laid out at once, about; the values are as many again. */
const BATCH_FLOATS = 1 << 24;

/** Tokens of one sequence that stand side by side. */
interface Run {
  /** Row of its first token. */
  readonly first: number;
  readonly queries: number;
  /** Its pages up to that of its last token. */
  readonly pages: Int32Array;
  /** Of its first token. */
  readonly position: number;
}

/** Runs that are padded to `most` queries and `pages` pages. */
interface RunBatch {
  readonly runs: readonly Run[];
  readonly most: number;
  readonly pages: number;
}

/**
 * Pages in one tensor on the device, for the backends `tensorflow` and `cpu`, in plain operations: new keys and values
 * are written in place; the pages of sequences of about one length are gathered side by side and attended to as a batch.
 * A page has its keys and values layer by layer and head by head, [PAGE, headSize] each.
 */
export function operationStore(shape: PageShape, pagesPerSlab: number): PageStore {
  const { layers, heads, kvHeads, headSize } = shape;
  const floats = pageFloats(shape);
  let cache: tf.Tensor2D = tf.keep(tf.zeros([0, floats]));
  const size = (): number => cache.shape[0];
  /** Which part of the cache has the keys (0) or values (1) of a head on a page, counted in parts. */
  const partOf = (page: number, layer: number, kind: number, head: number): number =>
    ((page * layers + layer) * 2 + kind) * kvHeads + head;
  const partsOfCache = (perPart: number): tf.Tensor2D =>
    tf.reshape(cache, [(size() * floats) / perPart, perPart]);

  const write = (rows: tf.Tensor2D, runs: readonly Run[], layer: number, kind: number): void => {
    const indices = new Int32Array(rows.shape[0] * kvHeads);
    let next = 0;
    for (const { pages, position, queries } of runs) {
      for (let at = position; at < position + queries; at++) {
        const page = pages[Math.floor(at / PAGE)]!;
        for (let head = 0; head < kvHeads; head++) {
          indices[next++] = partOf(page, layer, kind, head) * PAGE + (at % PAGE);
        }
      }
    }
    overwriteRows(partsOfCache(headSize), indices, tf.reshape(rows, [indices.length, headSize]));
  };

  /** Keys or values of a batch, head by head: [runs · kvHeads, pages · PAGE, headSize]. */
  const gather = ({ runs, pages: most }: RunBatch, layer: number, kind: number): tf.Tensor3D => {
    const indices = new Int32Array(runs.length * kvHeads * most);
    for (const [run, { pages }] of runs.entries()) {
      for (let head = 0; head < kvHeads; head++) {
        const from = (run * kvHeads + head) * most;
        for (const [at, page] of pages.entries()) indices[from + at] = partOf(page, layer, kind, head);
        // Padding is of the run's own, so that what is masked is at least a number.
        indices.fill(partOf(pages[0]!, layer, kind, head), from + pages.length, from + most);
      }
    }
    const taken = takeRows(partsOfCache(PAGE * headSize), tf.tensor1d(indices, 'int32'));
    return tf.reshape(taken, [runs.length * kvHeads, most * PAGE, headSize]);
  };

  const attendBatch = (all: tf.Tensor2D, batch: RunBatch, layer: number): tf.Tensor2D => {
    const { runs, most } = batch;
    const group = heads / kvHeads;
    const asked = new Int32Array(runs.length * most);
    const positions = new Int32Array(runs.length * most);
    for (const [run, { first, queries, position }] of runs.entries()) {
      for (let query = 0; query < most; query++) {
        const known = Math.min(query, queries - 1);
        asked[run * most + query] = first + known;
        positions[run * most + query] = position + known;
      }
    }
    const taken = takeRows(all, tf.tensor1d(asked, 'int32'));
    const apart = tf.transpose(
      tf.reshape(taken, [runs.length, most, kvHeads, group, headSize]),
      [0, 2, 3, 1, 4],
    );
    const queries = tf.reshape(apart, [runs.length * kvHeads, group * most, headSize]) as tf.Tensor3D;
    const [keys, values] = [gather(batch, layer, 0), gather(batch, layer, 1)];
    return attendHeads(
      { queries, keys, values },
      tf.tensor2d(positions, [runs.length, most], 'int32'),
      shape,
    );
  };

  return {
    get size() {
      return size();
    },
    most: Number.POSITIVE_INFINITY,
    grow: () => {
      const old = cache;
      cache = tf.keep(tf.tidy(() => tf.concat([old, tf.zeros([pagesPerSlab, floats])])));
      old.dispose();
    },
    copy: (from, to) =>
      tf.tidy(() => overwriteRows(cache, Int32Array.of(to), tf.slice(cache, [from, 0], [1, floats]))),
    attend: (x, tokens, layer) =>
      tf.tidy(() => {
        const parts = tf.split(x, [heads * headSize, kvHeads * headSize, kvHeads * headSize], 1);
        const [queries, keys, values] = parts as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        const runs = runsOf(tokens);
        write(keys, runs, layer, 0);
        write(values, runs, layer, 1);
        const batches = batchesOf(runs, kvHeads * PAGE * headSize);
        const mixed = batches.map((batch) => attendBatch(queries, batch, layer));
        return takeRows(tf.concat(mixed), tf.tensor1d(placesOf(batches, x.shape[0]), 'int32'));
      }),
    dispose: () => cache.dispose(),
  };
}

function runsOf({ pages, starts, positions }: Parameters<PageStore['attend']>[1]): readonly Run[] {
  const runs: Run[] = [];
  for (let first = 0; first < starts.length; ) {
    const start = starts[first]!;
    let end = first + 1;
    while (end < starts.length && starts[end] === start) end++;
    const last = positions[end - 1]!;
    runs.push({
      first,
      queries: end - first,
      pages: pages.subarray(start, start + Math.floor(last / PAGE) + 1),
      position: positions[first]!,
    });
    first = end;
  }
  return runs;
}

/** Runs whose queries and pages have the same power of two above them; not too many at once. */
function batchesOf(runs: readonly Run[], floatsPerPage: number): readonly RunBatch[] {
  const groups = new Map<string, Run[][]>();
  const power = (count: number): number => 2 ** Math.ceil(Math.log2(count));
  for (const run of runs) {
    const pages = power(run.pages.length);
    const key = `${power(run.queries)} ${pages}`;
    const parts = groups.get(key) ?? [];
    groups.set(key, parts);
    if (parts.length === 0 || (parts.at(-1)!.length + 1) * pages * floatsPerPage > BATCH_FLOATS)
      parts.push([]);
    parts.at(-1)!.push(run);
  }
  return [...groups.values()].flat().map((batch) => ({
    runs: batch,
    most: Math.max(...batch.map(({ queries }) => queries)),
    pages: Math.max(...batch.map(({ pages }) => pages.length)),
  }));
}

/** Where each token's row is in the rows of all batches. */
function placesOf(batches: readonly RunBatch[], tokens: number): Int32Array {
  const places = new Int32Array(tokens);
  let offset = 0;
  for (const { runs, most } of batches) {
    for (const { first, queries } of runs) {
      for (let query = 0; query < queries; query++) places[first + query] = offset + query;
      offset += most;
    }
  }
  return places;
}
