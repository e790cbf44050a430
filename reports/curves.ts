import type { Row } from '../bench/cell.ts';
import { type Interval, tInterval } from '../bench/stats/interval.ts';
import { mean } from '../core/statistics.ts';
import type { ReportCell } from './sources.ts';

/** What a learning curve can be drawn against: everything that was spent on training so far. */
export const CURRENCIES = [
  { id: 'iterations', label: 'iterations', unit: 'count' },
  { id: 'environment_calls', label: 'environment calls', unit: 'calls' },
  { id: 'generated_tokens', label: 'generated tokens', unit: 'tokens' },
  { id: 'update_actions', label: 'update actions', unit: 'actions' },
  { id: 'seconds', label: 'seconds', unit: 's' },
] as const;

export type Currency = (typeof CURRENCIES)[number]['id'];

/** What was spent up to an iteration; null if it was not recorded. */
export type Spent = Readonly<Record<Currency, number | null>>;

/** The metrics that have curves. */
export const CURVE_METRICS = ['score', 'action_entropy'] as const;

/** 'score': what the environment is scored by, on the dev questions. */
export type CurveMetric = (typeof CURVE_METRICS)[number];

/** One algorithm's curve in one environment. */
export interface Curve {
  readonly environment: string;
  readonly algorithm: string;
  readonly metric: CurveMetric;
  /** One per iteration at which some seed was measured: means over those seeds, of what was spent, too. */
  readonly points: readonly { readonly iteration: number; readonly spent: Spent; readonly value: Interval }[];
  /** The same of every finished seed. */
  readonly seeds: readonly {
    readonly seed: number;
    readonly points: readonly { readonly iteration: number; readonly spent: Spent; readonly value: number }[];
  }[];
}

/**
 * The curves of every algorithm of every environment, in the order of the cells, with pointwise t intervals. Seconds
 * are those of sampling, credit and update; evaluation is not training.
 */
export function curves(cells: readonly ReportCell[]): readonly Curve[] {
  const groups = new Map<string, ReportCell[]>();
  for (const cell of cells) {
    const key = JSON.stringify([cell.environment, cell.algorithm]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [cell]);
    else group.push(cell);
  }
  return [...groups.values()].flatMap((group) => {
    const finished = group.filter(({ status }) => status === 'finished');
    const spent = finished.map(spentByIteration);
    return CURVE_METRICS.map((metric) => {
      const seeds = finished.map((cell, index) => ({
        seed: cell.seed,
        points: cell.metrics.flatMap((row) => {
          const value = row[metric === 'score' ? `dev_${cell.score?.name}` : metric];
          const iteration = Number(row.iteration);
          return typeof value === 'number'
            ? [{ iteration, spent: spent[index]!.get(iteration)!, value }]
            : [];
        }),
      }));
      const { environment, algorithm } = group[0]!;
      return { environment, algorithm, metric, points: meanCourse(seeds), seeds };
    });
  });
}

function spentByIteration({ metrics, timings }: ReportCell): ReadonlyMap<number, Spent> {
  const seconds = new Map(timings.map((row) => [Number(row.iteration), secondsOf(row)]));
  const result = new Map<number, Spent>();
  const before: Record<Currency, number | null> = {
    iterations: 0,
    environment_calls: 0,
    generated_tokens: 0,
    update_actions: 0,
    seconds: timings.length === 0 ? null : 0,
  };
  const add = (name: Currency, amount: number | null): void => {
    const sum = before[name];
    before[name] = sum === null || amount === null ? null : sum + amount;
  };
  for (const row of metrics) {
    const iteration = Number(row.iteration);
    before.iterations = iteration;
    // Iteration 0 is the evaluation before training: nothing has been spent.
    if (iteration > 0) {
      for (const name of ['environment_calls', 'generated_tokens', 'update_actions'] as const)
        add(name, amountOf(row[name]));
      add('seconds', seconds.get(iteration) ?? null);
    }
    result.set(iteration, { ...before });
  }
  // A cost that was not recorded throughout has no curve at all, instead of one that stops.
  const known = (name: Currency, amount: number | null) => (before[name] === null ? null : amount);
  return new Map(
    [...result].map(([iteration, spent]) => [
      iteration,
      Object.fromEntries(CURRENCIES.map(({ id }) => [id, known(id, spent[id])])) as Spent,
    ]),
  );
}

const amountOf = (value: Row[string] | undefined): number | null =>
  typeof value === 'number' ? value : null;

function secondsOf(row: Row): number | null {
  const parts = [row.rollout_seconds, row.credit_seconds, row.update_seconds].map(amountOf);
  return parts.includes(null) ? null : parts.reduce<number>((sum, part) => sum + part!, 0);
}

function meanCourse(seeds: Curve['seeds']): Curve['points'] {
  const byIteration = new Map<number, { readonly spent: Spent; readonly value: number }[]>();
  for (const { points } of seeds) {
    for (const point of points) {
      const at = byIteration.get(point.iteration);
      if (at === undefined) byIteration.set(point.iteration, [point]);
      else at.push(point);
    }
  }
  return [...byIteration]
    .sort(([a], [b]) => a - b)
    .map(([iteration, points]) => {
      const spent = CURRENCIES.map(({ id }) => {
        const amounts = points.map((point) => point.spent[id]);
        const known = amounts.filter((amount) => amount !== null);
        return [id, known.length < points.length ? null : mean(known)];
      });
      return {
        iteration,
        spent: Object.fromEntries(spent) as Spent,
        value: tInterval(points.map((point) => point.value)),
      };
    });
}
