import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** Runs a module over the built package in a process of its own; its last line is JSON. */
async function measured(script: string): Promise<Record<string, number>> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: process.cwd(),
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, number>;
}

it('credit of a tree of a million nodes takes less than 500 MB beside the tree', async () => {
  const found = await measured(`
    const { grownTree } = await import('./dist/performance/trees.js');
    const { findAlgorithm } = await import('./dist/algorithms/registry.js');
    const tree = grownTree(1e6);
    const before = process.resourceUsage().maxRSS;
    const { credit, schema } = findAlgorithm('carl');
    const { actions } = credit([tree], schema.parse({}));
    const after = process.resourceUsage().maxRSS;
    console.log(JSON.stringify({ nodes: tree.nodes.length, actions: actions.length, tree: before / 1024, credit: (after - before) / 1024 }));
  `);
  expect(found.nodes).toBeGreaterThanOrEqual(1_000_000);
  expect(found.actions).toBeGreaterThan(500_000);
  expect(found.credit).toBeGreaterThan(0);
  expect(found.credit).toBeLessThan(500);
});

it.each([
  ['quick', 'warmStart.steps=4'],
  ['search', 'training.questions=8'],
])('a worker of the suite %s peaks under 1 GB with %s', async (name, setting) => {
  const found = await measured(`
    const { CATALOG } = await import('./dist/catalog.js');
    const { resolveSuite, suiteCells } = await import('./dist/bench/suites/suite.js');
    const { readSuite } = await import('./dist/bench/suites/file.js');
    const { runCell } = await import('./dist/bench/training/train.js');
    const { mkdtemp, rm } = await import('node:fs/promises');
    const { join } = await import('node:path');
    const { tmpdir } = await import('node:os');
    // As large as in the suite, but for the questions of search; only the number of batches is smaller.
    const set = ['training.iterations=1', 'training.evaluationQuestions=100', 'training.evaluationEpisodes=1', '${setting}'];
    const suite = resolveSuite(await readSuite('${name}'), CATALOG, { seeds: 1, set });
    const { cell } = suiteCells(suite).find(({ name }) => name === 'grpo');
    const cacheDirectory = await mkdtemp(join(tmpdir(), 'creditbench-memory-'));
    const { metrics } = await runCell(cell, CATALOG, { cacheDirectory });
    await rm(cacheDirectory, { recursive: true });
    console.log(JSON.stringify({ updates: metrics[1].update_actions, peak: process.resourceUsage().maxRSS / 1024 }));
  `);
  expect(found.updates).toBeGreaterThan(50);
  expect(found.peak).toBeGreaterThan(50);
  expect(found.peak).toBeLessThan(1000);
});
