import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALGORITHMS, findAlgorithm } from '../../algorithms/registry.ts';
import { CATALOG } from '../../catalog.ts';
import { findEnvironment } from '../../envs/registry.ts';
import { findPolicy } from '../../policies/registry.ts';
import type { Cell, CellResult, KeptTrees, LastTrees } from '../cell.ts';
import { formatCsv } from '../csv.ts';
import { metricColumns } from '../declaration.ts';
import { keptTrees } from '../runs/kept-trees.ts';
import { trainingSchema, warmStartSchema } from './options.ts';
import { readState, writeState } from './state.ts';
import { runCell } from './train.ts';

let cacheDirectory: string;
beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(cacheDirectory, { recursive: true }));

const choice = (id: string, schema: { parse(value: unknown): unknown }, options: object) => ({
  id,
  options: schema.parse(options) as Readonly<Record<string, unknown>>,
});

/** A cell of five iterations, where nothing else is said: enough for moments, heads and earlier weights to be in play. */
const cell = (
  algorithm: string,
  environment = 'stop-or-search',
  policy = 'tabular',
  change: { options?: object; policy?: object; steps?: number; iterations?: number } = {},
): Cell => ({
  environment: choice(findEnvironment(environment).id, findEnvironment(environment).schema, {
    ...(environment === 'search' ? { maxActionTokens: 40 } : {}),
  }),
  policy: choice(policy, findPolicy(policy).schema, change.policy ?? {}),
  algorithm: choice(algorithm, findAlgorithm(algorithm).schema, change.options ?? {}),
  training: trainingSchema.parse({
    iterations: change.iterations ?? 5,
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

const csv = ({ metrics, declaration }: CellResult): string =>
  formatCsv(metricColumns([declaration]), metrics);

/** Runs a cell to its end, and then once more from each of its checkpoints, which ran to the same bytes. */
async function interruptEverywhere(one: Cell): Promise<void> {
  const checkpoints: Uint8Array[] = [];
  const kept: KeptTrees[] = [];
  const onLastTrees = (last: LastTrees): void => void kept.push(keptTrees(last, one.algorithm.id));
  const whole = await runCell(one, CATALOG, {
    cacheDirectory,
    onLastTrees,
    checkpointSeconds: 0,
    onCheckpoint: (bytes) => void checkpoints.push(bytes),
  });
  expect(checkpoints).toHaveLength(one.training.iterations);
  for (const [iteration, checkpoint] of checkpoints.entries()) {
    const notices: string[] = [];
    const later: Uint8Array[] = [];
    const resumed = await runCell(one, CATALOG, {
      cacheDirectory,
      onLastTrees,
      checkpoint,
      checkpointSeconds: 0,
      onCheckpoint: (bytes) => void later.push(bytes),
      onNotice: (text) => notices.push(text),
    });
    expect(notices).toEqual([`goes on after iteration ${iteration} of ${one.training.iterations}`]);
    expect(later).toHaveLength(checkpoints.length - iteration - 1);
    expect(csv(resumed)).toBe(csv(whole));
    expect(resumed.timings.map((row) => row.iteration)).toEqual(whole.timings.map((row) => row.iteration));
    // What was measured before the interruption is kept.
    expect(resumed.timings[iteration]).toEqual(whole.timings[iteration]);
  }
  // Kept once per run of the cell, and the same each time.
  expect(kept).toHaveLength(1 + checkpoints.length);
  expect(kept[0]!.trajectories.length).toBeGreaterThan(0);
  expect(new Set(kept.map((one) => JSON.stringify(one))).size).toBe(1);
}

describe('a cell that was interrupted', () => {
  it.each(ALGORITHMS.map(({ id }) => id))('%s: goes on from any iteration to the same bytes', (id) =>
    interruptEverywhere(cell(id)),
  );

  it('keeps its reference: the starting weights, not those that it goes on from', () =>
    interruptEverywhere(cell('grpo', 'stop-or-search', 'tabular', { options: { kl: 0.5 } })));

  it.each(['dapo', 'carl'])('%s of a transformer that chooses', (id) =>
    interruptEverywhere(cell(id, 'multihop', 'transformer', { steps: 2, iterations: 2 })),
  );

  it.each(['carl', 'ppo'])('%s of a transformer that writes', (id) =>
    interruptEverywhere(
      cell(id, 'search', 'text-transformer', {
        iterations: 2,
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

  it('starts again from bytes that are no state, or are of another cell, and says so', async () => {
    const tabular = cell('grpo');
    const whole = await runCell(tabular, CATALOG, { cacheDirectory });
    const others: Uint8Array[] = [];
    for (const other of [cell('ppo'), { ...tabular, training: { ...tabular.training, iterations: 9 } }]) {
      const onCheckpoint = (bytes: Uint8Array): void => void others.push(bytes);
      await runCell(other, CATALOG, { cacheDirectory, checkpointSeconds: 0, onCheckpoint });
    }
    const ofTransformer = writeState({ ...readState(others[0]!), prompts: undefined, heads: [] });
    const wrong: [Uint8Array, RegExp][] = [
      [Buffer.from('nothing'), /its first line is not that of a training state/],
      [others[0]!, /it is of another cell/],
      [others.at(-1)!, /it is of another cell/],
      [ofTransformer, /it is of another cell/],
    ];
    for (const [checkpoint, why] of wrong) {
      const notices: string[] = [];
      const again = await runCell(tabular, CATALOG, {
        cacheDirectory,
        checkpoint,
        onNotice: (text) => notices.push(text),
      });
      expect(notices).toEqual([expect.stringMatching(why)]);
      expect(notices[0]).toContain('it starts again');
      expect(csv(again)).toBe(csv(whole));
    }
  });
});
