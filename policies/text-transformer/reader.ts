import * as tf from '@tensorflow/tfjs';
import type { AngleTables } from '../llama/angles.ts';
import type { TransformerConfig } from '../llama/config.ts';
import { runBlocks, tokenLogits } from '../llama/model.ts';
import type { Parameters } from '../llama/parameters.ts';
import { type Angles, rotate, takeRows } from '../tensor/ops.ts';
import { PAGE, type PagedTokens, type PageShape, pageFloats } from '../tensor/page-store.ts';
import { createPageStore } from '../tensor/paged.ts';
import { takeValues } from '../tensor/read.ts';
import { type Branch, createPageTree, type PageTree } from './page-tree.ts';

/** Tokens that go through the model at once. */
const CHUNK = 1024;
/** Floats allocated at a time. */
const SLAB_FLOATS = 1 << 22;
/** Angle tables grow by this many positions. */
const ANGLE_STEP = 512;

/** Ids of a branch whose keys and values are to be computed: from `from` to its end. */
export interface Reading {
  readonly branch: Branch;
  readonly from: number;
}

/** What is to be known of logits. */
export type TakeLogits = (logits: tf.Tensor2D, first: number) => tf.Tensor2D;

/** Reads contexts with a cache of keys and values. */
export interface Reader {
  readonly tree: PageTree;
  /** Pages that the cache may have. */
  readonly capacity: number;
  /**
   * Computes the keys and values of the readings in their order, and gives the logits after the last id of each:
   * one row of `vocabularySize` floats per reading, one after the other.
   * @param take computes on the device what is given instead, from the rows of some readings, the first of which is
   * `first`; what it gives for those before comes first.
   */
  read(readings: readonly Reading[], take?: TakeLogits): Promise<Float32Array>;
  dispose(): void;
}

/** @param cacheFloats room for keys and values, in floats. */
export function createReader(
  config: TransformerConfig,
  parameters: Parameters,
  angles: AngleTables,
  cacheFloats: number,
): Reader {
  const { layers, heads, kvHeads, headSize } = config;
  const shape: PageShape = { layers, heads, kvHeads, headSize };
  const wanted = Math.max(1, Math.floor(cacheFloats / pageFloats(shape)));
  const store = createPageStore(shape, Math.min(wanted, Math.ceil(SLAB_FLOATS / pageFloats(shape))));
  const capacity = Math.min(wanted, store.most);
  const tree = createPageTree(store, capacity);

  /** What is taken of the logits at `wanted` tokens of a chunk. */
  const readChunk = async (
    ids: Int32Array,
    tokens: PagedTokens,
    wanted: Int32Array,
    table: Angles,
    take: (logits: tf.Tensor2D) => tf.Tensor2D,
  ): Promise<Float32Array> => {
    const layout = { batch: 1, length: ids.length, heads, kvHeads, headSize };
    const taken = tf.tidy(() => {
      const positions = tf.tensor1d(tokens.positions, 'int32');
      const turns = { cos: takeRows(table.cos, positions), sin: takeRows(table.sin, positions) };
      const hidden = runBlocks(config, parameters.tensors, tf.tensor1d(ids, 'int32'), (x, layer) =>
        store.attend(rotate(x, turns, layout), tokens, layer),
      );
      if (wanted.length === 0) return undefined;
      const last = takeRows(hidden, tf.tensor1d(wanted, 'int32'));
      return take(tokenLogits(config, parameters.tensors, last));
    });
    const [values] = await takeValues(taken === undefined ? [] : [taken]);
    return values ?? new Float32Array();
  };

  return {
    tree,
    capacity,
    read: async (readings, take = (logits) => logits) => {
      const longest = readings.reduce((most, { branch }) => Math.max(most, branch.length), 0);
      const table = angles.of(ANGLE_STEP * Math.ceil(longest / ANGLE_STEP));
      const parts: Float32Array[] = [];
      let done = 0;
      for (const chunk of chunksOf(readings)) {
        const { ids, tokens, wanted } = packChunk(chunk);
        const first = done;
        parts.push(await readChunk(ids, tokens, wanted, table, (logits) => take(logits, first)));
        done += wanted.length;
      }
      return joined(parts);
    },
    dispose: () => store.dispose(),
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let from = 0;
  for (const part of parts) {
    all.set(part, from);
    from += part.length;
  }
  return all;
}

/** Part of a reading. */
interface Piece extends Reading {
  readonly to: number;
}

/** The readings in chunks of at most `CHUNK` tokens; long ones are cut. */
function chunksOf(readings: readonly Reading[]): readonly (readonly Piece[])[] {
  const chunks: Piece[][] = [];
  let room = 0;
  for (const { branch, from } of readings) {
    for (let start = from; start < branch.length; ) {
      if (room === 0) {
        chunks.push([]);
        room = CHUNK;
      }
      const to = Math.min(branch.length, start + room);
      chunks.at(-1)!.push({ branch, from: start, to });
      room -= to - start;
      start = to;
    }
  }
  return chunks;
}

/** A chunk as the model reads it; `wanted` are the tokens that end their branch. */
function packChunk(pieces: readonly Piece[]): {
  readonly ids: Int32Array;
  readonly tokens: PagedTokens;
  readonly wanted: Int32Array;
} {
  const size = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  const [ids, starts, positions] = [new Int32Array(size), new Int32Array(size), new Int32Array(size)];
  const pageCounts = pieces.map(({ to }) => Math.ceil(to / PAGE));
  const pages = new Int32Array(pageCounts.reduce((sum, count) => sum + count, 0));
  const wanted: number[] = [];
  let [token, start] = [0, 0];
  for (const [index, { branch, from, to }] of pieces.entries()) {
    for (let page = 0; page < pageCounts[index]!; page++) pages[start + page] = branch.nodes[page]!.page;
    for (let position = from; position < to; position++) {
      ids[token] = branch.nodes[Math.floor(position / PAGE)]!.tokens[position % PAGE]!;
      starts[token] = start;
      positions[token++] = position;
    }
    if (to === branch.length) wanted.push(token - 1);
    start += pageCounts[index]!;
  }
  return { ids, tokens: { pages, starts, positions }, wanted: Int32Array.from(wanted) };
}
