import { setImmediate } from 'node:timers/promises';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { mean } from '../../core/statistics.ts';
import type { Choice } from '../cell.ts';
import type { Experiment } from './experiment.ts';
import { identify, learn } from './learn.ts';

/** Adam's learning rates that are tried, for every method and experiment. */
export const RATES = [0.1, 0.2, 0.4, 0.8] as const;

/**
 * How much is computed.
 * @experimental
 */
export interface Effort {
  /** Seeds of the scores, 2 or more. */
  readonly seeds: number;
  /** Two levels of each experiment and one seed of tuning. */
  readonly quick: boolean;
}

/**
 * One algorithm in one experiment, as it is asked for: plain data, that another process can be told.
 * @experimental
 */
export interface UnitRequest extends Effort {
  /** How tables name it. */
  readonly name: string;
  /** How the catalog names it. */
  readonly algorithm: string;
  readonly choice: Choice;
  readonly experiment: string;
  readonly noiseStream?: string;
}

/**
 * One algorithm at one level with one seed: what it learned, and what its credit was worth at the starting policy.
 * @experimental
 */
export interface ProfileRun {
  readonly level: number;
  readonly seed: number;
  readonly score: number;
  /** The policy when the budget was spent, on the same scale. Null in the reference, which does not keep it. */
  readonly final: number | null;
  readonly rankCorrelation: number | null;
  readonly signErrors: number | null;
  readonly leakage: number | null;
}

/**
 * One algorithm in one experiment.
 * @experimental
 */
export interface ProfileUnit {
  /** The learning rate of its runs: the best of `rates`, of equal ones the lowest. */
  readonly rate: number;
  /** Mean score over the levels and the tuning seeds, by learning rate. */
  readonly rates: readonly { readonly rate: number; readonly score: number }[];
  readonly runs: readonly ProfileRun[];
}

/** The levels that are run: all, or the second and the last but one. */
export const levelsOf = (
  { knob: { levels } }: Experiment,
  { quick }: Pick<Effort, 'quick'>,
): readonly number[] => (quick ? [levels[1]!, levels.at(-2)!] : levels);

/** Runs that a unit takes: for progress. */
export const runsOf = (experiment: Experiment, { seeds, quick }: Effort): number =>
  levelsOf(experiment, { quick }).length * (RATES.length * tuningSeeds(quick) + seeds);

const tuningSeeds = (quick: boolean): number => (quick ? 1 : 2);

/**
 * Chooses the learning rate on seeds of its own, then trains and looks at credit with every seed at every level.
 * @param onRun called after every training run.
 * @throws the signal's reason when it is aborted.
 */
export async function profileUnit(
  request: {
    readonly algorithm: AnyAlgorithm;
    readonly experiment: Experiment;
    readonly noiseStream?: string;
    readonly signal?: AbortSignal;
  } & Effort,
  onRun: () => void = () => {},
): Promise<ProfileUnit> {
  const { seeds, quick, ...given } = request;
  const levels = levelsOf(given.experiment, request);
  const run = async (level: number, seed: number, rate: number, purpose: 'tuning' | 'score') => {
    const learned = await learn({ ...given, level, seed, rate, purpose });
    onRun();
    // Training never leaves the thread to others: signals would wait to the end.
    await setImmediate();
    given.signal?.throwIfAborted();
    return learned;
  };
  const rates: { rate: number; score: number }[] = [];
  for (const rate of RATES) {
    const scores: number[] = [];
    for (const level of levels) {
      for (let seed = 0; seed < tuningSeeds(quick); seed++) {
        scores.push((await run(level, seed, rate, 'tuning')).score);
      }
    }
    rates.push({ rate, score: mean(scores) });
  }
  const { rate } = rates.reduce((best, one) => (one.score > best.score ? one : best));
  const runs: ProfileRun[] = [];
  for (const level of levels) {
    for (let seed = 0; seed < seeds; seed++) {
      const learned = await run(level, seed, rate, 'score');
      runs.push({ level, seed, ...learned, ...(await identify({ ...given, level, seed })) });
    }
  }
  return { rate, rates, runs };
}
