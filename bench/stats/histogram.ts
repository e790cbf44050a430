/** A bar: values in [low, high); the last one of a histogram also holds its upper edge. */
export interface Bin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/**
 * Counts values in equal bins from `low` to `high`.
 * @param bins number of bins, at least 1.
 * @throws RangeError when a value lies outside by more than rounding (1e-9 of the width): nothing is dropped.
 */
export function histogram(
  values: readonly number[],
  { low, high, bins }: { readonly low: number; readonly high: number; readonly bins: number },
): readonly Bin[] {
  const width = (high - low) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    if (!(value >= low - 1e-9 * (high - low) && value <= high + 1e-9 * (high - low))) {
      throw new RangeError(`histogram: ${value} is outside ${low} to ${high}`);
    }
    const bin = Math.min(bins - 1, Math.max(0, Math.floor((value - low) / width)));
    counts[bin]!++;
  }
  return counts.map((count, bin) => ({ low: low + bin * width, high: low + (bin + 1) * width, count }));
}
