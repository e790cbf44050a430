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
