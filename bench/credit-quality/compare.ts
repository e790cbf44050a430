import tCdf from '@stdlib/stats-base-dists-t-cdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import type { Random } from '../../core/random.ts';
import { type ClusteredEstimate, clusterBootstrap } from '../stats/cluster-bootstrap.ts';
import { holmOfDefined } from '../stats/holm.ts';
import { type Interval, withoutInterval } from '../stats/interval.ts';
import { measures, QUALITY_MEASURES, type QualityMeasure } from './measures.ts';
import type { QuestionSums } from './sums.ts';

/**
 * Measures that methods are compared by.
 * @experimental
 */
export const COMPARED_MEASURES = [
  'explained',
  'explained_per_1000',
  'gradient_cosine',
] as const satisfies readonly QualityMeasure[];
/**
 * Its name.
 * @experimental
 */
export type ComparedMeasure = (typeof COMPARED_MEASURES)[number];

/**
 * By how much a method is above the baseline.
 * @experimental
 */
export interface QualityDifference {
  /** NaN where it is not defined. */
  readonly interval: Interval;
  /** Two-sided, and adjusted by Holm for all methods that are compared by this measure. */
  readonly p: number | null;
  readonly pHolm: number | null;
}

/** Bootstrap replicates. */
const REPLICATES = 1000;

/** What is said of one method. */
export interface Compared {
  /** With 95 % intervals: the question is the unit. NaN where one is not defined. */
  readonly measures: Readonly<Record<QualityMeasure, Interval>>;
  /** Against the baseline; null for the baseline itself, and without one. */
  readonly differences: Readonly<Record<ComparedMeasure, QualityDifference>> | null;
}

/**
 * The measures of methods, and how they compare with a baseline. Questions are drawn once for all of them.
 * @param methods every method's questions, the same ones in the same order.
 * @param baseline its place; undefined: there is none.
 */
export function compareMethods(
  methods: readonly (readonly QuestionSums[])[],
  baseline: number | undefined,
  random: Random,
): readonly Compared[] {
  const count = methods[0]!.length;
  const found = clusterBootstrap({
    clusters: Array.from({ length: count }, (_, question) => String(question)),
    random: random.split('bootstrap'),
    replicates: REPLICATES,
    statistics: (items) => {
      const all = methods.map((questions) => measures(items.map((item) => questions[item]!)));
      const base = baseline === undefined ? undefined : all[baseline]!;
      return Object.fromEntries(
        all.flatMap((own, method) => [
          ...QUALITY_MEASURES.map((name) => [`${method} ${name}`, own[name]]),
          ...(base === undefined
            ? []
            : COMPARED_MEASURES.map((name) => [`${method} - ${name}`, minus(own[name], base[name])])),
        ]),
      ) as Record<string, number | null>;
    },
  });
  const isCompared = (method: number): boolean => baseline !== undefined && method !== baseline;
  const ps = byName(COMPARED_MEASURES, (name) =>
    methods.map((_, method) => (isCompared(method) ? pOf(found[`${method} - ${name}`]!, count) : null)),
  );
  const adjusted = byName(COMPARED_MEASURES, (name) => holmOfDefined(ps[name]));
  return methods.map((_, method) => ({
    measures: byName(QUALITY_MEASURES, (name) => intervalOf(found[`${method} ${name}`]!, count)),
    differences: isCompared(method)
      ? byName(COMPARED_MEASURES, (name) => ({
          interval: intervalOf(found[`${method} - ${name}`]!, count),
          p: ps[name][method]!,
          pHolm: adjusted[name][method]!,
        }))
      : null,
  }));
}

const byName = <Name extends string, Value>(names: readonly Name[], of: (name: Name) => Value) =>
  Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, Value>;

const minus = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? null : a - b;

function intervalOf({ value, standardError }: ClusteredEstimate, n: number): Interval {
  if (value === null) return withoutInterval(Number.NaN, n);
  if (standardError === null) return withoutInterval(value, n);
  const half = tQuantile(0.975, n - 1) * standardError;
  return { value, low: value - half, high: value + half, method: 't', n };
}

function pOf({ value, standardError }: ClusteredEstimate, n: number): number | null {
  if (value === null || standardError === null) return null;
  if (standardError === 0) return value === 0 ? 1 : null;
  return 2 * tCdf(-Math.abs(value / standardError), n - 1);
}
