import { z } from 'zod';
import { InputError } from '../core/errors.ts';
import type { AnyEnvironment } from '../envs/environment.ts';
import { COMMON_METRICS, type Column, column, isTextUnit, METRIC_COLUMNS } from './columns.ts';

const NAME = /^[a-z][a-z0-9_]*$/;

/** What results keep about their environment, so that reports do not need its code. */
export const declarationSchema = z.object({
  /** What it is scored by; the column `dev_<name>`. */
  score: z.object({ name: z.string().regex(NAME), range: z.tuple([z.number(), z.number()]).readonly() }),
  /** Its own metrics, each a column `<name>` and a column `dev_<name>`. */
  metrics: z.array(
    z.object({
      name: z.string().regex(NAME),
      unit: z.string().refine((unit) => !isTextUnit(unit), 'expected a unit of numbers'),
      description: z.string(),
    }),
  ),
});

/** What an environment declares of its scores: how it is scored, and what it counts besides. */
export type Declaration = z.infer<typeof declarationSchema>;

/** The score of results that do not name one: they were made before environments declared their score. */
export const ANSWER_F1: Declaration['score'] = { name: 'f1', range: [0, 1] };

/** Scores that every environment with answers has. */
const OF_ANSWERS = ['f1', 'em'];

/**
 * What an environment declares, with the defaults filled in.
 * @throws InputError naming the environment and what it cannot declare: a score that it does not have, a range that
 *   is not one, a metric whose name is malformed or taken by another column.
 */
export function declarationOf(environment: AnyEnvironment): Declaration {
  const { id, rewardRange, metrics = [] } = environment;
  const { name, range } = environment.score ?? { name: 'return', range: rewardRange };
  const own = metrics.map((metric) => metric.name);
  const known = ['return', ...(environment.answer === undefined ? [] : OF_ANSWERS), ...own];
  if (!known.includes(name)) {
    throw new InputError(`${id}: score.name: '${name}' is not known; valid: ${known.join(', ')}`);
  }
  const [low, high] = range;
  if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high)) {
    const option = environment.score === undefined ? 'rewardRange' : 'score.range';
    throw new InputError(
      `${id}: ${option}: [${low}, ${high}] is not valid; valid: two numbers, low and high`,
    );
  }
  const taken = new Set<string>(METRIC_COLUMNS.map((one) => one.name));
  for (const metric of metrics) {
    const names = [metric.name, `dev_${metric.name}`];
    if (!NAME.test(metric.name) || names.some((one) => taken.has(one))) {
      throw new InputError(
        `${id}: metrics: the name '${metric.name}' is not valid; valid: a-z, 0-9 and _ with a letter first, and not the name of another column`,
      );
    }
    if (metric.unit === '' || isTextUnit(metric.unit)) {
      throw new InputError(
        `${id}: metrics.${metric.name}.unit: '${metric.unit}' is not valid; valid: a unit of numbers, such as count or 0..1`,
      );
    }
    for (const one of names) taken.add(one);
  }
  return {
    score: { name, range: [low, high] },
    metrics: metrics.map(({ name, unit, description }) => ({ name, unit, description })),
  };
}

/** The columns of metrics that cells of these environments have: the common ones, and each of their own once. */
export function metricColumns(declarations: Iterable<Declaration>): readonly Column[] {
  const own = new Map<string, Column>();
  for (const { metrics } of declarations) {
    for (const { name, unit, description } of metrics) {
      if (!own.has(name)) own.set(name, column(name, unit, description));
    }
  }
  const columns = [...own.values()];
  return [
    ...COMMON_METRICS.evaluation,
    ...columns.map(({ name, unit, description }) =>
      column(`dev_${name}`, unit, `${description}; on the dev questions`),
    ),
    ...columns,
    ...COMMON_METRICS.training,
  ];
}
