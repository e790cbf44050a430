import type { Row } from '../cell.ts';
import { column } from '../columns.ts';
import { holmOfDefined } from '../stats/holm.ts';
import type { Interval } from '../stats/interval.ts';
import { stratifiedInterval, stratifiedTestP } from '../stats/stratified.ts';
import type { ProfiledUnit } from './profile.ts';
import { differenceColumns, differenceRow, differencesByLevel, toldApart } from './summary.ts';

/**
 * Two methods in one experiment.
 * @experimental
 */
export interface ProfilePair {
  readonly first: string;
  readonly second: string;
  readonly experiment: string;
  /** Score of the first minus that of the second, of equal seeds. */
  readonly difference: Interval;
  /** Of the t test, seeds in pairs, levels as strata. Null where it is not defined. */
  readonly p: number | null;
  /** After Holm over all pairs and experiments. */
  readonly adjustedP: number | null;
}

/**
 * All pairs of the methods in all experiments, compared over equal seeds.
 * @param without methods that are left out: controls are told apart from anything, which says nothing.
 * @experimental
 */
export function compareAllPairs(
  units: readonly ProfiledUnit[],
  without: readonly string[] = [],
): readonly ProfilePair[] {
  const kept = units.filter(({ algorithm }) => !without.includes(algorithm));
  const experiments = [...new Set(kept.map(({ experiment }) => experiment))];
  const pairs = experiments.flatMap((experiment) => {
    const units = kept.filter((unit) => unit.experiment === experiment);
    return units.flatMap((one, index) =>
      units.slice(index + 1).map((other) => {
        const differences = differencesByLevel(one, other);
        return {
          ...{ first: one.algorithm, second: other.algorithm, experiment },
          difference: stratifiedInterval(differences),
          p: stratifiedTestP(differences),
        };
      }),
    );
  });
  const adjusted = holmOfDefined(pairs.map(({ p }) => p));
  return pairs.map((pair, index) => ({ ...pair, adjustedP: adjusted[index]! }));
}

/**
 * Whether an experiment tells a pair apart: adjusted p below 0.05 and a difference of at least 0.01.
 * @experimental
 */
export const isToldApart = (pair: ProfilePair): boolean => toldApart(pair) !== 0;

/**
 * How many pairs of methods at least one experiment tells apart, and what each experiment adds.
 * @experimental
 */
export interface Discrimination {
  readonly pairs: number;
  readonly apart: number;
  /** Pairs that an experiment tells apart, and those that it alone does. */
  readonly experiments: readonly {
    readonly experiment: string;
    readonly apart: number;
    readonly alone: number;
  }[];
}

/** @experimental */
export function discrimination(pairs: readonly ProfilePair[]): Discrimination {
  // In whatever order an experiment has the two.
  const nameOf = ({ first, second }: ProfilePair): string => JSON.stringify([first, second].toSorted());
  const by = new Map<string, Set<string>>();
  for (const pair of pairs) {
    const found = by.get(nameOf(pair)) ?? new Set();
    if (isToldApart(pair)) found.add(pair.experiment);
    by.set(nameOf(pair), found);
  }
  const all = [...by.values()];
  return {
    pairs: all.length,
    apart: all.filter(({ size }) => size > 0).length,
    experiments: [...new Set(pairs.map(({ experiment }) => experiment))].map((experiment) => ({
      experiment,
      apart: all.filter((found) => found.has(experiment)).length,
      alone: all.filter((found) => found.size === 1 && found.has(experiment)).length,
    })),
  };
}

/** `pairs.csv`: one row per pair of methods and experiment. */
export const PAIR_COLUMNS = [
  column('first', 'name', 'algorithm'),
  column('second', 'name', 'another algorithm'),
  column('experiment', 'name', 'experiment'),
  ...differenceColumns('score of the first minus that of the second, of equal seeds'),
] as const;

export const pairRow = (pair: ProfilePair): Row => ({
  first: pair.first,
  second: pair.second,
  experiment: pair.experiment,
  ...differenceRow(pair),
});
