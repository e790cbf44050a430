import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { spawnCreditbench } from '../../cli/spawn.test-helper.ts';
import { createReport } from '../report.ts';
import { madeUpSources, writeMadeUp } from './made-up.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-large-'));
});
afterAll(() => rm(folder, { recursive: true }));

const names = (count: number): readonly string[] => [
  'grpo',
  ...Array.from({ length: count - 1 }, (_, index) => `method-${index}`),
];

it('reports 2,000 cells of 60 iterations in less than 1 GB and 5 MB', async () => {
  const environments = Array.from({ length: 4 }, (_, index) => `world-${index}/v1`);
  const request = { algorithms: names(10), environments, seeds: 50, iterations: 60, evaluateEvery: 5 };
  await writeMadeUp(join(folder, 'run'), madeUpSources(request));
  // The heap's own limit: more would end the process.
  const ended = await spawnCreditbench(folder, ['report', 'run'], () => {}, {
    NODE_OPTIONS: '--max-old-space-size=700',
  });
  expect(ended).toMatchObject({ code: 0, stderr: `report: ${join('run', 'report.html')}\n` });
  const page = await readFile(join(folder, 'run', 'report.html'));
  expect(page.length).toBeLessThan(5_000_000);
  expect(page.includes('2000 cells.')).toBe(true);
  // On a free machine it takes seconds; this is a bound for a busy one.
}, 180_000);

it.each([
  { algorithms: 40, environments: 5, seeds: 5, most: 5_000_000 },
  { algorithms: 10, environments: 40, seeds: 2, most: 5_000_000 },
  { algorithms: 30, environments: 1, seeds: 5, most: 2_000_000 },
])(
  'stays small with $algorithms algorithms, $environments environments',
  (shape) => {
    const environments = Array.from({ length: shape.environments }, (_, index) => `world-${index}/v1`);
    const sources = madeUpSources({
      algorithms: names(shape.algorithms),
      environments,
      seeds: shape.seeds,
      iterations: 20,
      evaluateEvery: 5,
    });
    expect(createReport(sources).length).toBeLessThan(shape.most);
  },
  180_000,
);
