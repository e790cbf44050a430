import * as tf from '@tensorflow/tfjs';
import type { HeadLayout } from './layout.ts';
import { largestTensor } from './webgpu/limits.ts';

/** Positions per page: a multiple of 4. */
export const PAGE = 16;

/** How a model's keys and values are shaped. */
export type PageShape = Omit<HeadLayout, 'batch' | 'length'> & { readonly layers: number };

/**
 * Which tokens a packed matrix of rows [queries, keys, values] holds. Tokens of one sequence stand side by side
 * at neighbouring positions; every position before them is in the sequence's pages already.
 */
export interface PagedTokens {
  /** The pages of all sequences, one sequence after the other, each from its first position on. */
  readonly pages: Int32Array;
  /** Per token: where in `pages` its sequence begins. */
  readonly starts: Int32Array;
  /** Per token: its position in the sequence, from 0. */
  readonly positions: Int32Array;
}

/** What the `PagedAttention` kernel needs besides its tensors. */
export interface PagedAttributes extends PagedTokens {
  readonly shape: PageShape;
  readonly layer: number;
  readonly pagesPerSlab: number;
}

/** Keys and values of all layers in pages of `PAGE` positions, changed in place. */
export interface PageStore {
  /** Pages there are. Ids run from 0. */
  readonly size: number;
  /** Pages that the backend can hold; more are an error of the backend. */
  readonly most: number;
  /** Adds `pagesPerSlab` pages of undefined contents. */
  grow(): void;
  /** Overwrites page `to` with page `from`. */
  copy(from: number, to: number): void;
  /**
   * Writes the tokens' keys and values into their pages, then mixes for every token the values of all positions
   * of its sequence up to its own: [tokens, heads · headSize]. No gradient.
   * @param x rows [queries, keys, values], rotated.
   */
  attend(x: tf.Tensor2D, tokens: PagedTokens, layer: number): tf.Tensor2D;
  dispose(): void;
}

/** Floats in a page. */
export const pageFloats = ({ layers, kvHeads, headSize }: PageShape): number =>
  layers * 2 * kvHeads * headSize * PAGE;

/**
 * An empty store. Where the backend has a fused kernel, pages live in its memory and a token's result is the same
 * bits whatever else is in the matrix; elsewhere they live in JavaScript's, which reads them itself: a step
 * of decoding is thousands of products too small to be worth an operation of the backend each.
 */
export function createPageStore(shape: PageShape, pagesPerSlab: number): PageStore {
  const fused = tf.getKernel('PagedAttention', tf.getBackend()) !== undefined;
  return fused ? fusedStore(shape, pagesPerSlab) : plainStore(shape, pagesPerSlab);
}

function fusedStore(shape: PageShape, pagesPerSlab: number): PageStore {
  const slabs: tf.Tensor[] = [];
  const run = (name: string, inputs: tf.NamedTensorMap, attributes: object): tf.Tensor =>
    tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap);
  // Kernels name their inputs; slabs are called by their number.
  const named = (): tf.NamedTensorMap =>
    Object.fromEntries(slabs.map((slab, index) => [String(index), slab]));
  // A shader can read only a few tensors: there, all pages are in one.
  const largest = largestTensor();
  const joined = largest < Number.POSITIVE_INFINITY;
  const perSlab = joined ? Number.POSITIVE_INFINITY : pagesPerSlab;
  let size = 0;
  return {
    get size() {
      return size;
    },
    most: Math.floor(largest / pageFloats(shape)),
    grow: () => {
      const old = joined ? slabs.splice(0) : [];
      const fresh = tf.tidy(() => tf.concat([...old, tf.fill([pagesPerSlab, pageFloats(shape)], 0)]));
      tf.dispose(old);
      slabs.push(tf.keep(fresh));
      size += pagesPerSlab;
    },
    copy: (from, to) => {
      const source = slabs[Math.floor(from / perSlab)]!;
      const target = slabs[Math.floor(to / perSlab)]!;
      run('CopyPage', { source, target }, { from: from % perSlab, to: to % perSlab }).dispose();
    },
    attend: (x, tokens, layer) => {
      const attributes: PagedAttributes = { ...tokens, shape, layer, pagesPerSlab: perSlab };
      return run('PagedAttention', { ...named(), x }, attributes) as tf.Tensor2D;
    },
    dispose: () => {
      tf.dispose(slabs);
      slabs.length = 0;
    },
  };
}

/** Pages as [layer][position][keys of all heads, values of all heads] in JavaScript's memory. */
function plainStore(shape: PageShape, pagesPerSlab: number): PageStore {
  const { heads, kvHeads, headSize } = shape;
  const slabs: Float32Array[] = [];
  const floats = pageFloats(shape);
  const width = 2 * kvHeads * headSize;
  const total = width + heads * headSize;
  const slabOf = (page: number): Float32Array => slabs[Math.floor(page / pagesPerSlab)]!;
  const startOf = (page: number, layer: number): number =>
    (page % pagesPerSlab) * floats + layer * PAGE * width;
  let scores = new Float64Array(PAGE);

  /** Softmax attention of a query over positions 0 to `last` of the sequence whose pages begin at `start`. */
  const mix = (
    [values, query]: readonly [Float32Array, number],
    [pages, start, last]: readonly [Int32Array, number, number],
    [layer, key]: readonly [number, number],
    [mixed, out]: readonly [Float32Array, number],
  ): void => {
    const scale = 1 / Math.sqrt(headSize);
    let highest = Number.NEGATIVE_INFINITY;
    for (let from = 0; from <= last; from += PAGE) {
      const page = pages[start + from / PAGE]!;
      const slab = slabOf(page);
      let at = startOf(page, layer) + key;
      for (let position = from; position <= last && position < from + PAGE; position++, at += width) {
        let sum = 0;
        for (let i = 0; i < headSize; i++) sum += values[query + i]! * slab[at + i]!;
        scores[position] = sum * scale;
        if (sum * scale > highest) highest = sum * scale;
      }
    }
    let weights = 0;
    for (let position = 0; position <= last; position++) {
      const weight = Math.exp(scores[position]! - highest);
      scores[position] = weight;
      weights += weight;
    }
    for (let from = 0; from <= last; from += PAGE) {
      const page = pages[start + from / PAGE]!;
      const slab = slabOf(page);
      let at = startOf(page, layer) + kvHeads * headSize + key;
      for (let position = from; position <= last && position < from + PAGE; position++, at += width) {
        const weight = scores[position]! / weights;
        for (let i = 0; i < headSize; i++) mixed[out + i]! += weight * slab[at + i]!;
      }
    }
  };

  return {
    get size() {
      return slabs.length * pagesPerSlab;
    },
    most: Number.POSITIVE_INFINITY,
    grow: () => {
      slabs.push(new Float32Array(pagesPerSlab * floats));
    },
    copy: (from, to) => {
      const page = slabOf(from).subarray(startOf(from, 0), startOf(from, 0) + floats);
      slabOf(to).set(page, startOf(to, 0));
    },
    attend: (x, tokens, layer) => {
      const { starts, positions, pages } = tokens;
      const values = x.dataSync<'float32'>();
      for (const [index, position] of positions.entries()) {
        const row = values.subarray((index + 1) * total - width, (index + 1) * total);
        const page = pages[starts[index]! + Math.floor(position / PAGE)]!;
        slabOf(page).set(row, startOf(page, layer) + (position % PAGE) * width);
        if (position >= scores.length) scores = new Float64Array(2 * (position + 1));
      }
      const mixed = new Float32Array(positions.length * heads * headSize);
      for (const [index, position] of positions.entries()) {
        for (let head = 0; head < heads; head++) {
          const key = Math.floor((head * kvHeads) / heads) * headSize;
          mix(
            [values, index * total + head * headSize],
            [pages, starts[index]!, position],
            [layer, key],
            [mixed, (index * heads + head) * headSize],
          );
        }
      }
      return tf.tensor2d(mixed, [positions.length, heads * headSize]);
    },
    dispose: () => {
      slabs.length = 0;
    },
  };
}
