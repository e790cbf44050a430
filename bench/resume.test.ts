import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALGORITHMS, findAlgorithm } from '../algorithms/registry.ts';
import { findEnvironment } from '../envs/registry.ts';
import { findPolicy } from '../policies/registry.ts';
import type { Cell } from './cell.ts';
import { METRIC_COLUMNS } from './columns.ts';
import { formatCsv } from './csv.ts';
import { runCell } from './train.ts';
import { trainingSchema, warmStartSchema } from './training.ts';

let cacheDirectory: string;
beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(cacheDirectory, { recursive: true }));

const choice = (id: string, schema: { parse(value: unknown): unknown }, options: object) => ({
  id,
  options: schema.parse(options) as Readonly<Record<string, unknown>>,
});

/** A cell of five iterations: enough for moments, heads and earlier weights to be in play. */
const cell = (
  algorithm: string,
  environment = 'stop-or-search',
  policy = 'tabular',
  change: { options?: object; policy?: object; steps?: number } = {},
): Cell => ({
  environment: choice(findEnvironment(environment).id, findEnvironment(environment).schema, {
    ...(environment === 'search' ? { maxActionTokens: 40 } : {}),
  }),
  policy: choice(policy, findPolicy(policy).schema, change.policy ?? {}),
  algorithm: choice(algorithm, findAlgorithm(algorithm).schema, change.options ?? {}),
  training: trainingSchema.parse({
    iterations: 5,
    questions: 2,
    minibatches: 2,
    learningRate: 0.1,
    evaluateEvery: 2,
    evaluationQuestions: 2,
    evaluationEpisodes: 2,
  }),
  warmStart: warmStartSchema.parse({ steps: change.steps ?? 0, episodes: 2 }),
  seed: 3,
  backend: 'wasm',
});

const csv = (rows: Parameters<typeof formatCsv>[1]): string => formatCsv(METRIC_COLUMNS, rows);

/** Runs a cell to its end, and then once more from each of its checkpoints, which ran to the same bytes. */
async function interruptEverywhere(one: Cell): Promise<void> {
  const checkpoints: Uint8Array[] = [];
  const whole = await runCell(one, {
    cacheDirectory,
    checkpointSeconds: 0,
    onCheckpoint: (bytes) => void checkpoints.push(bytes),
  });
  expect(checkpoints).toHaveLength(one.training.iterations);
  for (const [iteration, checkpoint] of checkpoints.entries()) {
    const notices: string[] = [];
    const later: Uint8Array[] = [];
    const resumed = await runCell(one, {
      cacheDirectory,
      checkpoint,
      checkpointSeconds: 0,
      onCheckpoint: (bytes) => void later.push(bytes),
      onNotice: (text) => notices.push(text),
    });
    expect(notices).toEqual([`goes on after iteration ${iteration} of ${one.training.iterations}`]);
    expect(later).toHaveLength(checkpoints.length - iteration - 1);
    expect(csv(resumed.metrics)).toBe(csv(whole.metrics));
    expect(resumed.timings.map((row) => row.iteration)).toEqual(whole.timings.map((row) => row.iteration));
    // What was measured before the interruption is kept.
    expect(resumed.timings[iteration]).toEqual(whole.timings[iteration]);
  }
}

describe('a cell that was interrupted', () => {
  it.each(ALGORITHMS.map(({ id }) => id))('%s: goes on from any iteration to the same bytes', (id) =>
    interruptEverywhere(cell(id)),
  );

  it('has the same state in memory as from bytes: an earlier kl reference, weights and further questions', async () => {
    await interruptEverywhere(cell('grpo', 'stop-or-search', 'tabular', { options: { kl: 0.5 } }));
  });

  it.each(['grpo', 'carl', 'ppo', 'dapo'])('%s of a transformer that chooses', (id) =>
    interruptEverywhere(cell(id, 'multihop', 'transformer', { steps: 2 })),
  );

  it.each(['grpo', 'carl', 'ppo'])('%s of a transformer that writes', (id) =>
    interruptEverywhere(
      cell(id, 'search', 'text-transformer', {
        steps: 2,
        policy: {
          modelSize: 16,
          layers: 1,
          heads: 2,
          kvHeads: 1,
          headSize: 8,
          ffnSize: 16,
          vocabularySize: 512,
        },
      }),
    ),
  );
});
