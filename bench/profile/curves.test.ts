import { expect, it } from 'vitest';
import { mean } from '../../core/statistics.ts';
import { formatCsv, parseCsv } from '../csv.ts';
import { tInterval } from '../stats/interval.ts';
import { creditInterval } from './credit.ts';
import { CURVE_COLUMNS, curveRow, knobPoints } from './curves.ts';
import { madeUpUnits } from './made-up.test-helper.ts';

const units = madeUpUnits({ methods: { grpo: [0, 0], mine: [0.2, 0.05], blind: [0, 0] } });

it('a curve has a point per level: mean and t interval over the seeds of that level alone', () => {
  const points = knobPoints(units);
  expect(points).toHaveLength(3 * 2 * 3);
  const scores = units[2]!.runs.filter(({ level }) => level === 8).map(({ score }) => score);
  expect(scores).toHaveLength(5);
  expect(points.find(({ algorithm, level }) => algorithm === 'mine' && level === 8)).toEqual({
    algorithm: 'mine',
    experiment: 'late',
    level: 8,
    score: tInterval(scores),
  });
});

it('curves.csv reads back', () => {
  const rows = knobPoints(units).map(curveRow);
  expect(CURVE_COLUMNS.map(({ name }) => name).join()).toBe(
    'algorithm,experiment,level,seeds,score,low,high',
  );
  expect(parseCsv(CURVE_COLUMNS, formatCsv(CURVE_COLUMNS, rows))).toEqual(rows);
});

it('the interval of credit is over seeds, not over runs', () => {
  const { runs } = units[0]!;
  const seeds = [0, 1, 2, 3, 4].map((seed) =>
    mean(runs.filter((run) => run.seed === seed).map(({ rankCorrelation }) => rankCorrelation!)),
  );
  const [found, expected] = [creditInterval({ runs }, 'rankCorrelation')!, tInterval(seeds)];
  for (const end of ['value', 'low', 'high'] as const) expect(found[end]).toBeCloseTo(expected[end]!, 12);
  expect(found.n).toBe(5);
  // Copies of a level are no news.
  const twice = creditInterval({ runs: [...runs, ...runs] }, 'rankCorrelation')!;
  expect(twice.low).toBeCloseTo(found.low!, 12);
  expect(creditInterval(units.at(-1)!, 'rankCorrelation')).toBeNull();
  // One number that is missing leaves the others in.
  const [first, ...others] = runs;
  const part = creditInterval({ runs: [{ ...first!, leakage: null }, ...others] }, 'leakage');
  expect(part).toMatchObject({ value: 0.75, low: 0.75, high: 0.75 });
});
