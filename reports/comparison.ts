import type { Row } from '../bench/cell.ts';
import type { Interval } from '../bench/stats/interval.ts';
import { mean, variance } from '../core/statistics.ts';
import { analyze } from './analysis.ts';
import type { AnalysisOptions, ComparedCell, GroupAnalysis } from './analyzed.ts';
import { COMPARISON_COLUMNS, COSTS } from './columns.ts';

/** The rows of COMPARISON_COLUMNS: `analyze` and `comparisonRows` in one. */
export function compare(cells: readonly ComparedCell[], options: AnalysisOptions = {}): readonly Row[] {
  return comparisonRows(analyze(cells, options).groups);
}

/** The rows of COMPARISON_COLUMNS: one per environment and algorithm. */
export function comparisonRows(groups: readonly GroupAnalysis[]): readonly Row[] {
  return groups.map((group) => {
    const row: Row = {
      environment: group.environment,
      algorithm: group.algorithm,
      score: group.declared?.name ?? null,
      seeds: group.finished,
      failed: group.failed,
      missing: group.missing,
      iterations: group.iterations,
      ...intervalRow('score_mean', group.score),
      score_mean_half_width: halfWidth(group.score),
      score_question_error: group.questionError,
      ...intervalRow('score_iqm', group.scoreIqm),
      score_start: group.start?.value ?? null,
      ...intervalRow('score_gain', group.gain),
      score_gain_standard_errors: gainInErrors(group),
      ...intervalRow('score_auc', group.auc),
      ...intervalRow('optimality_gap', group.optimalityGap),
      ...stepsRow(group.steps),
      ...intervalRow('dev_f1', group.f1),
      dev_f1_half_width: halfWidth(group.f1),
      ...intervalRow('dev_em', group.em),
      dev_em_half_width: halfWidth(group.em),
      ...Object.fromEntries(COSTS.map((name) => [name, group.costs[name].value])),
      ...Object.fromEntries(COSTS.map((name) => [`${name}_ratio`, group.costs[name].ratio])),
      action_entropy: group.actionEntropy?.value ?? null,
      truncated_share: group.truncatedShare,
      zero_signal_share: group.zeroSignalShare,
    };
    return Object.fromEntries(COMPARISON_COLUMNS.map(({ name }) => [name, row[name] ?? null]));
  });
}

/** A value, the ends of its interval, and how that was made. */
export function intervalRow(name: string, interval: Interval | null): Row {
  return {
    [name]: interval?.value ?? null,
    [`${name}_low`]: interval?.low ?? null,
    [`${name}_high`]: interval?.high ?? null,
    [`${name}_interval`]: interval?.method ?? null,
  };
}

function halfWidth(interval: Interval | null): number | null {
  return interval === null || interval.low === null || interval.high === null
    ? null
    : (interval.high - interval.low) / 2;
}

/** The mean gain in score over its standard error; null for one seed, or without spread. */
export function gainInErrors({ seeds }: GroupAnalysis): number | null {
  const gains = seeds.map(({ gain }) => gain).filter((gain) => gain !== null);
  if (gains.length < 2) return null;
  const error = Math.sqrt(variance(gains) / gains.length);
  return error > 0 || Number.isNaN(error) ? mean(gains) / error : null;
}

function stepsRow(steps: GroupAnalysis['steps']): Row {
  return {
    threshold: steps?.threshold ?? null,
    threshold_reached: steps?.reached ?? null,
    steps_to_threshold_median: steps?.median ?? null,
    ...intervalRow('steps_to_threshold', steps?.restrictedMean ?? null),
    steps_to_threshold_horizon: steps?.horizon ?? null,
  };
}
