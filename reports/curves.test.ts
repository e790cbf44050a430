import { expect, it } from 'vitest';
import { curves } from './curves.ts';
import type { ReportCell } from './sources.ts';

const cell = (seed: number, factor: number, changes: Partial<ReportCell> = {}): ReportCell => ({
  environment: 'walk/v1',
  algorithm: 'grpo',
  entry: 'grpo',
  algorithmId: 'grpo',
  seed,
  status: 'finished',
  fingerprint: 'f',
  score: { name: 'f1', range: [0, 1] },
  options: {},
  run: 0,
  policy: 'small',
  cell: 'c',
  error: undefined,
  metrics: [
    { iteration: 0, dev_f1: 0.25 },
    { iteration: 1, environment_calls: 10, generated_tokens: 100 * factor, update_actions: 4 },
    {
      iteration: 2,
      environment_calls: 10,
      generated_tokens: 100 * factor,
      update_actions: 4,
      dev_f1: 0.5 * factor,
    },
  ].map((row) => ({ action_entropy: row.iteration === 0 ? null : 2, ...row })),
  timings: [1, 2].map((iteration) => ({
    iteration,
    rollout_seconds: 1,
    credit_seconds: 0.5,
    update_seconds: 2,
    evaluation_seconds: 100,
  })),
  ...changes,
});

it('sums what was spent up to an iteration and averages over seeds, on both axes', () => {
  const [f1, entropy] = curves([
    cell(0, 1),
    cell(1, 2),
    cell(2, 1, { status: 'failed', metrics: [], timings: [] }),
  ]);
  expect(f1!.points.map(({ iteration }) => iteration)).toEqual([0, 2]);
  // Tokens 200 and 400; F1 0.5 and 1; t(0.975, 1) = 12.7062, standard error 0.25. Evaluation is not training.
  expect(f1!.points[1]!.spent).toEqual({
    iterations: 2,
    environment_calls: 20,
    generated_tokens: 300,
    update_actions: 8,
    seconds: 7,
  });
  const { value, low, high, method, n } = f1!.points[1]!.value;
  expect([value, method, n]).toEqual([0.75, 't', 2]);
  expect(low).toBeCloseTo(0.75 - 12.7062 * 0.25, 4);
  expect(high).toBeCloseTo(0.75 + 12.7062 * 0.25, 4);
  expect(f1!.seeds.map(({ seed, points }) => [seed, points.at(-1)!.spent.generated_tokens])).toEqual([
    [0, 200],
    [1, 400],
  ]);
  expect(entropy!.points.map(({ iteration, value: { value: mean } }) => [iteration, mean])).toEqual([
    [1, 2],
    [2, 2],
  ]);
});

it('has no course for what was not counted throughout', () => {
  const holed = cell(0, 1);
  const metrics = holed.metrics.map((row) => (row.iteration === 2 ? { ...row, update_actions: null } : row));
  const spent = curves([{ ...holed, metrics, timings: [] }])[0]!.points.map((point) => point.spent);
  expect(
    spent.map((amounts) => [amounts.update_actions, amounts.seconds, amounts.environment_calls]),
  ).toEqual([
    [null, null, 0],
    [null, null, 20],
  ]);
});
