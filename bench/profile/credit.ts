import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { mean } from '../../core/statistics.ts';
import { clusteredError } from '../stats/clustered-error.ts';
import { type Interval, withoutInterval } from '../stats/interval.ts';
import type { ProfiledUnit } from './profile.ts';

/** What credit identification is measured by. */
export type CreditMeasure = 'rankCorrelation' | 'signErrors' | 'leakage';

/**
 * How well credit was identified: the mean over the runs in which the number is defined, with its 95 % t interval over
 * seeds. Runs of one seed at several levels are not independent, and not every run has the number: seeds are clusters.
 * @returns null if no run has it.
 */
export function creditInterval(
  { runs }: Pick<ProfiledUnit, 'runs'>,
  measure: CreditMeasure,
): Interval | null {
  const known = runs.flatMap((run) => {
    const value = run[measure];
    return value === null ? [] : [{ value, seed: String(run.seed) }];
  });
  if (known.length === 0) return null;
  const values = known.map(({ value }) => value);
  const value = mean(values);
  const seeds = known.map(({ seed }) => seed);
  const n = new Set(seeds).size;
  const error = clusteredError(values, seeds);
  if (error === null || !Number.isFinite(error)) return withoutInterval(value, n);
  const half = tQuantile(0.975, n - 1) * error;
  return { value, low: value - half, high: value + half, method: 't', n };
}
