/**
 * How a matrix of `batch · length` rows is read by attention: every row holds `heads` queries, `kvHeads` keys
 * and `kvHeads` values of `headSize` numbers each, in this order. `heads` is a multiple of `kvHeads`: query
 * head h uses key head ⌊h · kvHeads / heads⌋.
 */
export interface HeadLayout {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

/**
 * How a matrix of tokens that stand on the branches of a tree is read by attention, run by run: tokens side by side in
 * the matrix that go on from tokens of other runs. Every token is in one run, in the order of the matrix.
 */
export interface Paths {
  /** The row of each run's first token. */
  readonly firsts: Int32Array;
  /** How many tokens each run has, at least 1. */
  readonly queries: Int32Array;
  /** How many tokens there are from the root to each run's last, its own included. */
  readonly lengths: Int32Array;
  /** The rows of those, from the root on, one run after the other. */
  readonly tokens: Int32Array;
}
