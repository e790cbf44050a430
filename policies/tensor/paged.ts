import * as tf from '@tensorflow/tfjs';
import type { HeadLayout } from './layout.ts';
import { operationStore } from './paged-operations.ts';
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
 * bits whatever else is in the matrix; elsewhere plain operations do it, padded.
 */
export function createPageStore(shape: PageShape, pagesPerSlab: number): PageStore {
  const fused = tf.getKernel('PagedAttention', tf.getBackend()) !== undefined;
  return fused ? fusedStore(shape, pagesPerSlab) : operationStore(shape, pagesPerSlab);
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
