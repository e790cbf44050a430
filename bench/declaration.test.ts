import { describe, expect, it } from 'vitest';
import { InputError } from '../core/errors.ts';
import { stopOrSearch } from '../envs/diagnostic/stop-or-search.ts';
import type { AnyEnvironment, EpisodeMetric } from '../envs/environment.ts';
import { createSearch } from '../envs/search/environment.ts';
import { settings } from '../envs/search/fake.test-helper.ts';
import { METRIC_COLUMNS } from './columns.ts';
import { declarationOf, declarationSchema, metricColumns } from './declaration.ts';

const metric = (name: string, unit = 'count'): EpisodeMetric<unknown> => ({
  name,
  unit,
  description: 'what is counted',
  of: () => 1,
});
const declare = (changes: Partial<AnyEnvironment>) => declarationOf({ ...stopOrSearch(), ...changes });

describe('what an environment declares', () => {
  it('is the return in its range by default, and F1 from 0 to 1 where answers are what counts', () => {
    expect(declarationOf(stopOrSearch(0.5))).toEqual({
      score: { name: 'return', range: [0.3, 1.5] },
      metrics: [],
    });
    const search = declarationOf(createSearch(settings()));
    expect(search.score).toEqual({ name: 'f1', range: [0, 1] });
    expect(search.metrics.map(({ name }) => name)).toEqual([
      'tool_calls',
      'malformed_actions',
      'gold_recall',
      'answered',
      'valid_format',
    ]);
    expect(declarationSchema.parse(JSON.parse(JSON.stringify(search)))).toEqual(search);
  });

  it('may be a metric of its own', () => {
    const own = declare({ metrics: [metric('coins')], score: { name: 'coins', range: [-5, 5] } });
    expect(own.score).toEqual({ name: 'coins', range: [-5, 5] });
  });

  it.each<[string, Partial<AnyEnvironment>, string]>([
    [
      'a score that it does not have',
      { score: { name: 'fun', range: [0, 1] } },
      "score.name: 'fun' is not known; valid: return, f1, em",
    ],
    [
      'answers that it does not have',
      { score: { name: 'f1', range: [0, 1] }, answer: undefined as never },
      "'f1' is not known; valid: return",
    ],
    [
      'a range that is none',
      { score: { name: 'return', range: [1, 0] } },
      'score.range: [1, 0] is not valid',
    ],
    [
      'a return without limits',
      { rewardRange: [0, Number.POSITIVE_INFINITY] },
      'rewardRange: [0, Infinity] is not valid',
    ],
    ['the column of another', { metrics: [metric('loss')] }, "the name 'loss' is not valid"],
    ['the dev column of another', { metrics: [metric('return')] }, "the name 'return' is not valid"],
    ['one name twice', { metrics: [metric('coins'), metric('coins')] }, "the name 'coins' is not valid"],
    [
      'one that is the dev column of another',
      { metrics: [metric('coins'), metric('dev_coins')] },
      "the name 'dev_coins' is not valid",
    ],
    ['a name that is none', { metrics: [metric('my coins')] }, "the name 'my coins' is not valid"],
    ['texts', { metrics: [metric('coins', 'name')] }, "metrics.coins.unit: 'name' is not valid"],
  ])('cannot be %s', (_, changes, message) => {
    expect(() => declare(changes)).toThrow(InputError);
    expect(() => declare(changes)).toThrow(`stop-or-search/v1: `);
    expect(() => declare(changes)).toThrow(message);
  });
});

it('columns are the common ones and each metric once, with its dev column', () => {
  const names = metricColumns([
    declare({ metrics: [metric('coins'), metric('steps')] }),
    declare({ metrics: [metric('coins')] }),
  ]).map(({ name }) => name);
  const own = ['dev_coins', 'dev_steps', 'coins', 'steps'];
  expect(names.filter((name) => own.includes(name))).toEqual(own);
  expect(names.filter((name) => !own.includes(name))).toEqual(METRIC_COLUMNS.map(({ name }) => name));
});
