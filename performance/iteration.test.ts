import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { choose } from '../bench/catalog/catalog.ts';
import type { Cell } from '../bench/cell.ts';
import { trainingSchema, warmStartSchema } from '../bench/training/options.ts';
import { CATALOG } from '../catalog.ts';
import { prepareIteration } from './iteration.ts';

let cacheDirectory: string;
beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(cacheDirectory, { recursive: true }));

it.each([
  ['grpo', {}],
  ['grpo', { kl: 0.1 }],
  ['ppo', {}],
  ['dapo', {}],
] as const)('%s %j: an iteration is timed part by part, again and again', async (id, options) => {
  const cell: Cell = {
    environment: choose(CATALOG, 'environment', 'stop-or-search'),
    policy: choose(CATALOG, 'policy', 'tabular'),
    algorithm: choose(CATALOG, 'algorithm', id, options),
    training: trainingSchema.parse({ questions: 2 }),
    warmStart: warmStartSchema.parse({ steps: 0 }),
    seed: 0,
    backend: 'wasm',
  };
  const prepared = await prepareIteration(cell, { catalog: CATALOG, backend: 'wasm', cacheDirectory });
  for (let run = 0; run < 2; run++) {
    const seconds = await prepared.run();
    expect(Object.keys(seconds!)).toEqual(['rollout', 'credit', 'update']);
    for (const value of Object.values(seconds!)) expect(value).toBeGreaterThan(0);
  }
  // A table has no counterpart in PyTorch.
  expect(prepared.torch).toBeUndefined();
  prepared.dispose?.();
});
