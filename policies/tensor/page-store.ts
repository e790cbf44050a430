import type * as tf from '@tensorflow/tfjs';
import type { HeadLayout } from './layout.ts';

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
