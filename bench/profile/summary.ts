import { mean } from '../../core/statistics.ts';
import type { Row } from '../cell.ts';
import { column } from '../columns.ts';
import { holmOfDefined } from '../stats/holm.ts';
import type { Interval } from '../stats/interval.ts';
import { stratifiedDeviation, stratifiedInterval, stratifiedTestP } from '../stats/stratified.ts';
import { BASELINE, type ProfiledUnit } from './profile.ts';

/**
 * One algorithm in one experiment: a field of the heat map.
 * @experimental
 */
export interface ProfileSummary {
  readonly algorithm: string;
  readonly experiment: string;
  /** Mean over the levels; interval from the spread over seeds within them. */
  readonly score: Interval;
  /** Score minus GRPO's of the same seeds. Null for GRPO. */
  readonly difference: Interval | null;
  /** Standard deviation of one seed's difference: what power is computed with. Null for GRPO. */
  readonly deviation: number | null;
  /** Of the t test of that difference, seeds in pairs, levels as strata (their random numbers are independent). Null where it is not defined. */
  readonly p: number | null;
  /** After Holm over everything that was compared. */
  readonly adjustedP: number | null;
  readonly rate: number;
  /** Share of the learning rates whose tuning score is within 5 % of the best one's. */
  readonly rateTolerance: number;
  readonly rankCorrelation: number | null;
  readonly signErrors: number | null;
  readonly leakage: number | null;
}

/** Level of the marks. */
const ALPHA = 0.05;
/** Differences below this are not marked: common random numbers tell apart what rounds differently. */
const SMALLEST = 0.01;

/**
 * Whether a method is told apart from GRPO, or from the other of a pair, by 0.01 or more: 1 above, -1 below, 0 neither.
 * @experimental
 */
export const toldApart = ({
  adjustedP,
  difference,
}: Pick<ProfileSummary, 'adjustedP' | 'difference'>): -1 | 0 | 1 =>
  adjustedP === null || adjustedP >= ALPHA || Math.abs(difference!.value) < SMALLEST
    ? 0
    : difference!.value > 0
      ? 1
      : -1;

/**
 * Scores with intervals, and comparisons with GRPO over equal seeds.
 * @experimental
 */
export function summarize(units: readonly ProfiledUnit[]): readonly ProfileSummary[] {
  const baselines = new Map(
    units.filter(({ algorithm }) => algorithm === BASELINE).map((unit) => [unit.experiment, unit]),
  );
  const compared = units.map((unit) => {
    const baseline = unit.algorithm === BASELINE ? undefined : baselines.get(unit.experiment);
    const differences = baseline && differencesByLevel(unit, baseline);
    return { unit, differences, p: differences === undefined ? null : stratifiedTestP(differences) };
  });
  const adjusted = holmOfDefined(compared.map(({ p }) => p));
  return compared.map(({ unit, differences, p }, index) => {
    const best = Math.max(...unit.rates.map(({ score }) => score));
    const near = unit.rates.filter(({ score }) => score >= best - 0.05 * Math.abs(best));
    const average = (of: (run: ProfiledUnit['runs'][number]) => number | null): number | null => {
      const known = unit.runs.flatMap((run) => of(run) ?? []);
      return known.length === 0 ? null : mean(known);
    };
    return {
      algorithm: unit.algorithm,
      experiment: unit.experiment,
      score: stratifiedInterval(scoresByLevel(unit)),
      difference: differences === undefined ? null : stratifiedInterval(differences),
      deviation: differences === undefined ? null : stratifiedDeviation(differences),
      p,
      adjustedP: adjusted[index]!,
      rate: unit.rate,
      rateTolerance: near.length / unit.rates.length,
      rankCorrelation: average((run) => run.rankCorrelation),
      signErrors: average((run) => run.signErrors),
      leakage: average((run) => run.leakage),
    };
  });
}

/** Scores by level, in the order of the seeds. */
export function scoresByLevel({ runs }: Pick<ProfiledUnit, 'runs'>): readonly (readonly number[])[] {
  const levels = [...new Set(runs.map(({ level }) => level))];
  return levels.map((level) => runs.filter((run) => run.level === level).map(({ score }) => score));
}

/** Scores of one minus those of the other, of equal seeds, by level. */
export function differencesByLevel(
  one: Pick<ProfiledUnit, 'runs'>,
  other: Pick<ProfiledUnit, 'runs'>,
): readonly (readonly number[])[] {
  const others = scoresByLevel(other);
  return scoresByLevel(one).map((scores, level) =>
    scores.map((score, seed) => score - others[level]![seed]!),
  );
}

const CREDIT = [
  column(
    'rank_correlation',
    '-1..1',
    "Spearman's correlation between credit and exact advantage at the starting policy; empty where one does not vary",
  ),
  column(
    'sign_errors',
    '0..1',
    'share of actions that matter whose credit has the wrong sign; none counts half',
  ),
  column('leakage', '0..1', 'share of all credit that lies on actions where nothing matters'),
] as const;

/** Columns that say what a row is of. */
export const NAMES = [
  column('algorithm', 'name', 'algorithm'),
  column('experiment', 'name', 'experiment'),
] as const;

/** Columns of a difference and its test. @param what it is the difference of. */
export const differenceColumns = (what: string) => [
  column('difference', 'score', what),
  column('difference_low', 'score', 'lower end of its 95 % t interval over seeds'),
  column('difference_high', 'score', 'upper end'),
  column('p', '0..1', 't test of the difference, seeds in pairs, levels as strata; empty where not defined'),
  column('adjusted_p', '0..1', 'after Holm over all rows with a p'),
];

export const differenceRow = ({
  difference,
  p,
  adjustedP,
}: Pick<ProfileSummary, 'difference' | 'p' | 'adjustedP'>): Row => ({
  difference: difference?.value ?? null,
  difference_low: difference?.low ?? null,
  difference_high: difference?.high ?? null,
  p,
  adjusted_p: adjustedP,
});

/** `profile.csv`: one row per algorithm and experiment. */
export const PROFILE_COLUMNS = [
  ...NAMES,
  column(
    'score',
    'score',
    'mean over levels and seeds: 0 the starting policy, 1 the optimal one from the start',
  ),
  column('score_low', 'score', 'lower end of its 95 % t interval over seeds'),
  column('score_high', 'score', 'upper end'),
  ...differenceColumns("score minus GRPO's of the same seeds; empty for GRPO"),
  column('learning_rate', 'rate', 'the rate that was chosen on seeds of its own'),
  column('rates_within', '0..1', 'share of the rates tried whose tuning score is within 5 % of the best'),
  ...CREDIT,
] as const;

/** `scores.csv`: one row per algorithm, experiment, level and seed. */
export const SCORE_COLUMNS = [
  ...NAMES,
  column('level', 'knob', "the experiment's knob"),
  column('seed', 'integer', 'training seed'),
  column(
    'score',
    'score',
    'area under the curve of the exact return, 0 the starting policy, 1 the optimal one',
  ),
  column('final', 'score', 'the policy when the budget was spent, on the same scale'),
  ...CREDIT,
] as const;

export const profileRow = (summary: ProfileSummary): Row => ({
  algorithm: summary.algorithm,
  experiment: summary.experiment,
  score: summary.score.value,
  score_low: summary.score.low,
  score_high: summary.score.high,
  ...differenceRow(summary),
  learning_rate: summary.rate,
  rates_within: summary.rateTolerance,
  rank_correlation: summary.rankCorrelation,
  sign_errors: summary.signErrors,
  leakage: summary.leakage,
});

export const scoreRows = ({ algorithm, experiment, runs }: ProfiledUnit): readonly Row[] =>
  runs.map(({ level, seed, score, final, rankCorrelation, signErrors, leakage }) => ({
    algorithm,
    experiment,
    level,
    seed,
    score,
    final,
    rank_correlation: rankCorrelation,
    sign_errors: signErrors,
    leakage,
  }));
