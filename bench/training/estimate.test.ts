import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findAlgorithm } from '../../algorithms/registry.ts';
import { CATALOG } from '../../catalog.ts';
import { findEnvironment } from '../../envs/registry.ts';
import type { Cell } from '../cell.ts';
import { estimateCell, scaled } from './estimate.ts';
import { trainingSchema, warmStartSchema } from './options.ts';
import { runCell } from './train.ts';

let cacheDirectory: string;
beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(cacheDirectory, { recursive: true }));

const training = trainingSchema.parse({
  iterations: 20,
  questions: 6,
  epochs: 2,
  evaluateEvery: 8,
  evaluationQuestions: 10,
  evaluationEpisodes: 3,
});

describe('scaled', () => {
  const result = {
    metrics: [
      { iteration: 1, generated_tokens: 9999, trajectories: 9999 },
      {
        iteration: 2,
        trajectories: 8,
        generated_tokens: 80,
        prefill_tokens: 400,
        prefill_tokens_shared: 160,
        update_tokens: 40,
      },
    ],
    timings: [
      { iteration: 1, rollout_seconds: 1000 },
      { iteration: 2, rollout_seconds: 4, credit_seconds: 1, update_seconds: 3, evaluation_seconds: 0.5 },
    ],
  };
  // 20 iterations of 6 questions are 60 times the small one; evaluations after 0, 8, 16 and 20 of 30 episodes each.
  it('is in proportion to questions and iterations, with the evaluations', () => {
    expect(scaled({ training }, result, 2)).toEqual({
      writtenTokens: 80 * 60 + 10 * 120,
      readTokens: 400 * 60 + 50 * 120,
      readTokensShared: 160 * 60 + 20 * 120,
      trainedTokens: 40 * 60 * 2,
      seconds: 8 * 60 + (0.5 / 2) * 120,
    });
  });

  it('counts one episode per question where decoding is greedy', () => {
    const greedy = { ...training, evaluationDecoding: 'greedy' as const };
    expect(scaled({ training: greedy }, result, 2).writtenTokens).toBe(80 * 60 + 10 * 40);
  });
});

describe('estimateCell', () => {
  it('tells what a cell then takes, where every question costs the same', async () => {
    const cell: Cell = {
      environment: {
        id: 'key-door/v1',
        options: findEnvironment('key-door').schema.parse({}) as object as never,
      },
      policy: { id: 'tabular', options: {} },
      algorithm: { id: 'grpo', options: findAlgorithm('grpo').schema.parse({ groupSize: 8 }) as never },
      training: trainingSchema.parse({
        ...training,
        iterations: 5,
        questions: 1,
        minibatches: 1,
        evaluationQuestions: 1,
      }),
      warmStart: warmStartSchema.parse({ steps: 0 }),
      seed: 1,
      backend: 'wasm',
    };
    const estimate = await estimateCell(cell, CATALOG, { cacheDirectory }, 1);
    const { metrics } = await runCell(cell, CATALOG, { cacheDirectory });
    const sum = (name: string) => metrics.reduce((total, row) => total + Number(row[name] ?? 0), 0);
    // key-door's episodes all have the same length. Two evaluations of three episodes are not counted by the run.
    const evaluated = (6 * sum('generated_tokens')) / sum('trajectories');
    expect(estimate.trainedTokens).toBe(2 * sum('update_tokens'));
    expect(estimate.writtenTokens).toBeCloseTo(sum('generated_tokens') + evaluated, 9);
    expect(estimate.seconds).toBeGreaterThan(0);
  });
});
