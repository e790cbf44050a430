import { mean } from '../../core/statistics.ts';
import { averageRanks } from './rank.ts';

/**
 * Pearson's correlation of two series of the same length.
 * @returns -1 to 1; null if one of them does not vary.
 */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number | null {
  const [meanX, meanY] = [mean(x), mean(y)];
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let index = 0; index < x.length; index++) {
    const [dx, dy] = [x[index]! - meanX, y[index]! - meanY];
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : null;
}

/** Spearman's correlation: Pearson's of the average ranks. Null if one of them does not vary. */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number | null {
  return pearson(averageRanks(x), averageRanks(y));
}
