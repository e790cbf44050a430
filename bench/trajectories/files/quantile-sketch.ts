/** Neighbouring bins differ by 2 %: a quantile is exact to 1 %. */
const GROWTH = Math.log(1.02);
/** Smaller values are taken for 0. */
const TINY = 1e-300;

/**
 * Mean, standard deviation and quantiles of any number of values in bounded memory: counts by bins that grow with the value
 * (as in DDSketch). What a bin has is told as its mean, so that values of which there are few different ones are told as
 * they are.
 */
export class QuantileSketch {
  private readonly bins = new Map<number, { count: number; sum: number }>();
  private count = 0;
  private mean = 0;
  private squares = 0;
  private low = Number.POSITIVE_INFINITY;
  private high = Number.NEGATIVE_INFINITY;

  add(value: number, times = 1): void {
    if (times === 0) return;
    this.count += times;
    const distance = value - this.mean;
    this.mean += (distance * times) / this.count;
    this.squares += times * distance * (value - this.mean);
    this.low = Math.min(this.low, value);
    this.high = Math.max(this.high, value);
    const key = keyOf(value);
    const bin = this.bins.get(key);
    if (bin === undefined) this.bins.set(key, { count: times, sum: value * times });
    else {
      bin.count += times;
      bin.sum += value * times;
    }
  }

  /** What was added; null if nothing was. */
  summary(): Distribution | null {
    if (this.count === 0) return null;
    const bins = [...this.bins.values()].sort((a, b) => a.sum / a.count - b.sum / b.count);
    const quantile = (share: number): number => {
      let before = 0;
      for (const { count, sum } of bins) {
        before += count;
        if (before >= share * this.count) return Math.min(Math.max(sum / count, this.low), this.high);
      }
      return this.high;
    };
    return {
      count: this.count,
      mean: this.mean,
      sd: Math.sqrt(this.squares / this.count),
      min: this.low,
      p5: quantile(0.05),
      p25: quantile(0.25),
      p50: quantile(0.5),
      p75: quantile(0.75),
      p95: quantile(0.95),
      max: this.high,
    };
  }
}

/**
 * How values are distributed. Quantiles are exact to 1 %.
 * @experimental
 */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  /** Divided by their number. */
  readonly sd: number;
  readonly min: number;
  readonly p5: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p95: number;
  readonly max: number;
}

/** 0 has a bin of its own; bins of negative values are below -OFFSET and of positive ones above OFFSET. */
const OFFSET = 2 ** 20;

function keyOf(value: number): number {
  const size = Math.abs(value);
  if (size < TINY) return 0;
  return Math.sign(value) * (OFFSET + Math.round(Math.log(size) / GROWTH));
}
