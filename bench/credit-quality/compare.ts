import tCdf from '@stdlib/stats-base-dists-t-cdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import type { Random } from '../../core/random.ts';
import { type ClusteredEstimate, clusterBootstrap } from '../stats/cluster-bootstrap.ts';
import { holmOfDefined } from '../stats/holm.ts';
import { type Interval, withoutInterval } from '../stats/interval.ts';
import { MEASURES, type Measure, measures } from './measures.ts';
import type { Sums } from './sums.ts';

/** Measures that methods are compared by. */
export const COMPARED = [
  'explained',
  'explained_per_1000',
  'gradient_cosine',
] as const satisfies readonly Measure[];
/**
 * Its name.
 * @experimental
 */
export type Compared = (typeof COMPARED)[number];

/**
 * By how much a method is above the baseline.
 * @experimental
 */
export interface Difference {
  /** NaN where it is not defined. */
  readonly interval: Interval;
  /** Two-sided, and adjusted by Holm for all methods that are compared by this measure. */
  readonly p: number | null;
  readonly pHolm: number | null;
}

/** Bootstrap replicates. */
const REPLICATES = 1000;

/** The measures of a method over its questions, with 95 % intervals: the question is the unit. NaN where one is not defined. */
export function estimates(questions: readonly Sums[], random: Random): Readonly<Record<Measure, Interval>> {
  const found = bootstrap(questions.length, random, (items) =>
    measures(items.map((item) => questions[item]!)),
  );
  return byName(MEASURES, (name) => intervalOf(found[name], questions.length));
}

/**
 * Methods against a baseline on the same questions, which are drawn together.
 * @returns per method, null for the baseline itself.
 */
export function differences(
  methods: readonly (readonly Sums[])[],
  baseline: number,
  random: Random,
): readonly (Readonly<Record<Compared, Difference>> | null)[] {
  const base = methods[baseline]!;
  const count = base.length;
  const found = methods.map((own, index) =>
    index === baseline
      ? null
      : bootstrap(count, random, (items) => {
          const [one, other] = [own, base].map((all) => measures(items.map((item) => all[item]!)));
          return byName(COMPARED, (name) => minus(one![name], other![name]));
        }),
  );
  const ps = byName(COMPARED, (name) => found.map((one) => (one === null ? null : pOf(one[name], count))));
  const adjusted = byName(COMPARED, (name) => holmOfDefined(ps[name]));
  return found.map((one, index) =>
    one === null
      ? null
      : byName(COMPARED, (name) => ({
          interval: intervalOf(one[name], count),
          p: ps[name][index]!,
          pHolm: adjusted[name][index]!,
        })),
  );
}

const byName = <Name extends string, Value>(names: readonly Name[], of: (name: Name) => Value) =>
  Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, Value>;

const minus = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? null : a - b;

/** Of statistics of questions, by their numbers. All draw the same questions. */
const bootstrap = <Name extends string>(
  questions: number,
  random: Random,
  statistics: (items: readonly number[]) => Readonly<Record<Name, number | null>>,
): Record<Name, ClusteredEstimate> =>
  clusterBootstrap({
    clusters: Array.from({ length: questions }, (_, question) => String(question)),
    statistics,
    random: random.split('bootstrap'),
    replicates: REPLICATES,
  });

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
