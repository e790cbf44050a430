import { mean } from '../../core/statistics.ts';
import { BASELINE, isAgain, type ProfiledUnit } from './profile.ts';
import { type ProfileSummary, summarize } from './summary.ts';
import type { ProfileRun } from './unit.ts';

/**
 * A reference unit that cannot stand beside a run.
 * @experimental
 */
export interface LeftOutUnit {
  readonly algorithm: string;
  readonly experiment: string;
  /** levels: they are not those of the run, as with `--quick`; seeds: it lacks some of the run's. */
  readonly because: 'levels' | 'seeds';
}

/**
 * The units of a run with reference units that can be set beside them.
 * @experimental
 */
export interface ReferencedProfile {
  /** Those of the run: what was asked for. Only they are tested. */
  readonly units: readonly ProfiledUnit[];
  /** Those of methods that are not in the run, with exactly the levels and seeds of the run. */
  readonly reference: readonly ProfiledUnit[];
  readonly leftOut: readonly LeftOutUnit[];
  /**
   * Units of the run that the reference has with other scores: another method of that name, or another version of
   * creditbench. If GRPO is among them, the reference was computed by other code.
   */
  readonly changed: readonly Pick<ProfiledUnit, 'algorithm' | 'experiment'>[];
}

/** Mean scores that differ by more than this are not equal: processors round differently. */
const EQUAL = 0.005;

/**
 * Sets reference units beside those of a run. Compared is what is equal in both: the levels must be the same, and a
 * reference unit keeps the runs of the seeds that the run has. A method of the run is not also shown as a reference.
 * Reference units of experiments that the run does not have are not looked at.
 * @param units those of a run, with GRPO. @param reference of any methods and experiments, GRPO among them.
 * @experimental
 */
export function withReference(
  units: readonly ProfiledUnit[],
  reference: readonly ProfiledUnit[],
): ReferencedProfile {
  const baselines = new Map(
    units.filter(({ algorithm }) => algorithm === BASELINE).map((unit) => [unit.experiment, unit]),
  );
  const own = new Map(units.map((unit) => [keyOf(unit), unit]));
  const kept: ProfiledUnit[] = [];
  const leftOut: LeftOutUnit[] = [];
  const changed: { algorithm: string; experiment: string }[] = [];
  for (const unit of reference) {
    const { algorithm, experiment } = unit;
    const baseline = baselines.get(experiment);
    if (baseline === undefined) continue;
    const same = own.get(keyOf(unit));
    const runs = matching(unit.runs, baseline.runs);
    if (typeof runs === 'string') {
      if (same === undefined) leftOut.push({ algorithm, experiment, because: runs });
    } else if (same === undefined) {
      kept.push({ ...unit, runs });
    } else if (Math.abs(meanScore(runs) - meanScore(same.runs)) > EQUAL) {
      changed.push({ algorithm, experiment });
    }
  }
  return { units, reference: kept, leftOut, changed };
}

/**
 * Scores of the reference units with their differences to the run's GRPO. They were not asked for: they have no
 * adjusted p, are not told apart, and do not count in Holm's adjustment of the run.
 */
export function summarizeReference({ units, reference }: ReferencedProfile): readonly ProfileSummary[] {
  const baselines = units.filter(({ algorithm }) => algorithm === BASELINE);
  return summarize([...baselines, ...reference])
    .slice(baselines.length)
    .map((summary) => ({ ...summary, adjustedP: null }));
}

/**
 * Where each method of a run stands in each experiment among the methods of the reference and itself, by mean score; equal
 * ones share the better place. Empty if there is no reference.
 */
export interface Places {
  /** Methods that are compared, the one itself included, by experiment. */
  readonly of: ReadonlyMap<string, number>;
  place(algorithm: string, experiment: string): number | undefined;
}

export function placesAmong({ units, reference }: ReferencedProfile): Places {
  const scores = new Map<string, number[]>();
  const add = (experiment: string, score: number): void => {
    scores.set(experiment, [...(scores.get(experiment) ?? []), score]);
  };
  for (const { experiment, runs } of reference) add(experiment, meanScore(runs));
  const isCompared = ({ algorithm, experiment }: ProfiledUnit): boolean =>
    algorithm !== BASELINE && !isAgain(algorithm) && scores.has(experiment);
  // GRPO is a method like the others: it is in the run, and so not in the reference beside it.
  for (const unit of units) {
    if (unit.algorithm === BASELINE && scores.has(unit.experiment))
      add(unit.experiment, meanScore(unit.runs));
  }
  const own = new Map(units.filter(isCompared).map((unit) => [keyOf(unit), unit]));
  return {
    of: new Map([...scores].map(([experiment, others]) => [experiment, others.length + 1])),
    place: (algorithm, experiment) => {
      const unit = own.get(JSON.stringify([algorithm, experiment]));
      if (unit === undefined) return undefined;
      const score = meanScore(unit.runs);
      return 1 + scores.get(experiment)!.filter((other) => other > score).length;
    },
  };
}

/** The runs with the levels and seeds of others, in their order; or what does not match. */
function matching(
  runs: readonly ProfileRun[],
  others: readonly ProfileRun[],
): readonly ProfileRun[] | LeftOutUnit['because'] {
  const levels = (of: readonly ProfileRun[]) => new Set(of.map(({ level }) => level));
  const [these, those] = [levels(runs), levels(others)];
  if (these.size !== those.size || [...those].some((level) => !these.has(level))) return 'levels';
  const found = others.flatMap(({ level, seed }) => {
    const run = runs.find((one) => one.level === level && one.seed === seed);
    return run === undefined ? [] : [run];
  });
  return found.length === others.length ? found : 'seeds';
}

const keyOf = ({ algorithm, experiment }: ProfiledUnit): string => JSON.stringify([algorithm, experiment]);

const meanScore = (runs: readonly ProfileRun[]): number => mean(runs.map(({ score }) => score));
