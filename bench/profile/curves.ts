import type { Row } from '../cell.ts';
import { column } from '../columns.ts';
import { type Interval, tInterval } from '../stats/interval.ts';
import type { ProfiledUnit } from './profile.ts';
import { NAMES } from './summary.ts';

/** The score of one algorithm at one level of an experiment's knob. */
export interface KnobPoint {
  readonly algorithm: string;
  readonly experiment: string;
  readonly level: number;
  /** Mean over the seeds with its 95 % t interval. */
  readonly score: Interval;
}

/** Score against the level of the knob: points in the order of units, then levels. */
export function knobPoints(units: readonly ProfiledUnit[]): readonly KnobPoint[] {
  return units.flatMap(({ algorithm, experiment, runs }) =>
    [...new Set(runs.map(({ level }) => level))].map((level) => ({
      algorithm,
      experiment,
      level,
      score: tInterval(runs.filter((run) => run.level === level).map(({ score }) => score)),
    })),
  );
}

/** `curves.csv`: one row per algorithm, experiment and level. */
export const CURVE_COLUMNS = [
  ...NAMES,
  column('level', 'knob', "the experiment's knob"),
  column('seeds', 'count', 'training seeds'),
  column('score', 'score', 'mean over the seeds at this level'),
  column('low', 'score', 'lower end of its 95 % t interval over seeds'),
  column('high', 'score', 'upper end'),
] as const;

export const curveRow = ({ algorithm, experiment, level, score }: KnobPoint): Row => ({
  algorithm,
  experiment,
  level,
  seeds: score.n,
  score: score.value,
  low: score.low,
  high: score.high,
});
