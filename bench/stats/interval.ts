/** How an interval was made: printed beside it. */
export type IntervalMethod =
  /** Student's t (for an IQM: Yuen's, with the winsorised variance). */
  | 't'
  /** Bias-corrected and accelerated bootstrap over seeds. */
  | 'BCa'
  /** Clopper and Pearson's exact interval of a share. */
  | 'exact binomial'
  /** There is none: fewer than two values, or a value that is not finite. */
  | 'none';

/** A number over seeds with its 95 % interval. */
export interface Interval {
  /** The statistic; NaN where a value is. */
  readonly value: number;
  /** Ends of the interval; null where the method is 'none'. */
  readonly low: number | null;
  readonly high: number | null;
  readonly method: IntervalMethod;
  /** Values that it is over. */
  readonly n: number;
}
