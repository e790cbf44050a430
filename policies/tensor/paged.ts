import * as tf from '@tensorflow/tfjs';
import type { HeadLayout } from './layout.ts';
import { attend, splitHeads } from './ops.ts';
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
 * bits whatever else is in the matrix; elsewhere they live in JavaScript's and plain operations give the same
 * to float rounding, with copies to and fro.
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
  const pageAt = (page: number): Float32Array => {
    const from = (page % pagesPerSlab) * floats;
    return slabs[Math.floor(page / pagesPerSlab)]!.subarray(from, from + floats);
  };
  const rowAt = ({ pages }: PagedTokens, start: number, position: number, layer: number): Float32Array => {
    const from = (layer * PAGE + (position % PAGE)) * width;
    return pageAt(pages[start + Math.floor(position / PAGE)]!).subarray(from, from + width);
  };
  return {
    get size() {
      return slabs.length * pagesPerSlab;
    },
    most: Number.POSITIVE_INFINITY,
    grow: () => {
      slabs.push(new Float32Array(pagesPerSlab * floats));
    },
    copy: (from, to) => pageAt(to).set(pageAt(from)),
    attend: (x, tokens, layer) => {
      const { starts, positions } = tokens;
      const values = x.dataSync<'float32'>();
      const total = width + heads * headSize;
      for (const [index, position] of positions.entries()) {
        const row = values.subarray((index + 1) * total - width, (index + 1) * total);
        rowAt(tokens, starts[index]!, position, layer).set(row);
      }
      return tf.tidy(() => {
        const mixed = runsOf(tokens).map(([from, to]) => {
          const seen = positions[to - 1]! + 1;
          const rows = new Float32Array(seen * total);
          for (let position = 0; position < seen; position++) {
            const row = rowAt(tokens, starts[from]!, position, layer);
            rows.set(row, (position + 1) * total - width);
          }
          const layout = { batch: 1, heads, kvHeads, headSize };
          const { keys, values: old } = splitHeads(tf.tensor2d(rows, [seen, total]), {
            ...layout,
            length: seen,
          });
          const { queries } = splitHeads(tf.slice(x, [from, 0], [to - from, total]), {
            ...layout,
            length: to - from,
          });
          return attend({ queries, keys, values: old }, { ...layout, length: to - from });
        });
        return mixed.length === 1 ? mixed[0]! : tf.concat(mixed);
      });
    },
    dispose: () => {
      slabs.length = 0;
    },
  };
}

/** Where the tokens of each sequence begin and end. */
function runsOf({ starts, positions }: PagedTokens): (readonly [from: number, to: number])[] {
  const runs: [number, number][] = [];
  for (let index = 0; index < positions.length; index++) {
    const joined = index > 0 && starts[index] === starts[index - 1];
    if (joined) runs.at(-1)![1] = index + 1;
    else runs.push([index, index + 1]);
  }
  return runs;
}
