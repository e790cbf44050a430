import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callCreditbench } from './call.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-bench-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('measures what is asked for, as a table and as JSON', async () => {
  const { code, stdout, stderr } = await callCreditbench(folder, [
    'bench',
    'credit/carl-10000',
    'train-step/small-8',
    '--json',
    'speed.json',
  ]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/\[1\/2\] train step.*\n\[2\/2\] credit, carl/);
  expect(stdout).toMatch(/train step, small-8.*\| wasm .*tokens\/s/);
  const { results, node } = JSON.parse(await readFile(join(folder, 'speed.json'), 'utf8')) as {
    node: string;
    results: { id: string; backend: string | null; runs: number; median: { seconds: number } }[];
  };
  expect(node).toBe(process.versions.node);
  expect(results.map(({ id, backend }) => [id, backend])).toEqual([
    ['train-step/small-8', 'wasm'],
    ['credit/carl-10000', null],
  ]);
  for (const { runs, median } of results) {
    expect(runs).toBeGreaterThanOrEqual(5);
    expect(median.seconds).toBeGreaterThan(0);
  }
});

it.each([
  [['decoding'], /'decoding' begins no case; valid: train-step\/small,/],
  [
    ['credit/carl-10000', '--torch', 'no-such-python'],
    /--torch: no-such-python could not run the comparison: .*ENOENT/,
  ],
  [
    ['credit/carl-10000', '--json', 'no/such/folder.json'],
    /--json: cannot write no\/such\/folder.json .*ENOENT/,
  ],
  [
    ['credit/carl-10000', '--torch-threads', '0'],
    /--torch-threads: '0' is not valid; valid: whole number from 1/,
  ],
  [['credit/carl-10000', '--backend', 'abacus'], /--backend: 'abacus' is not known; valid: .*wasm/],
])('refuses %j before it measures', async (args, message) => {
  const { code, stdout, stderr } = await callCreditbench(folder, ['bench', ...args]);
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(2);
  expect(stdout).toBe('');
});
