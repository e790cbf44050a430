import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callCreditbench } from './call.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-keep-'));
});
afterAll(() => rm(folder, { recursive: true }));

const run = (out: string, ...more: string[]) =>
  callCreditbench(folder, [
    ...['run', 'tiny', '--policy', 'tabular', '--set', 'environments=[stop-or-search]'],
    ...['--set', 'warmStart.steps=0', '--set', 'training.questions=3', '--out', out, '--cache', 'cache'],
    ...['--algorithm', 'grpo', '--algorithm', 'carl', ...more],
  ]);

/** The files of all cells, by folder and name. */
async function cellsOf(out: string): Promise<Readonly<Record<string, string>>> {
  const files = (await readdir(join(folder, out, 'cells'), { recursive: true })).filter((name) =>
    /\.(jsonl?|csv)$/.test(name),
  );
  const texts = files
    .sort()
    .map(async (name) => [name, await readFile(join(folder, out, 'cells', name), 'utf8')] as const);
  return Object.fromEntries(await Promise.all(texts));
}
const isKept = ([name]: readonly [string, string]): boolean => name.endsWith('.jsonl');
const isTiming = ([name]: readonly [string, string]): boolean => name.endsWith('timings.csv');

it('run --keep-trees keeps rollouts, the same with one worker and with two, and shows them', async () => {
  const one = await run('one', '--keep-trees', '--workers', '1');
  expect(one.code).toBe(0);
  expect(one.stderr).toContain(`trees: ${join('one', 'trees.html')}\n`);
  await run('two', '--keep-trees', '--workers', '2');
  const kept = Object.entries(await cellsOf('one')).filter(isKept);
  expect(kept.map(([name]) => name.split('/')[1])).toEqual([
    ...['credit.jsonl', 'trajectories.jsonl'],
    ...['credit.jsonl', 'trajectories.jsonl'],
  ]);
  expect(Object.entries(await cellsOf('two')).filter(isKept)).toEqual(kept);
  const page = await readFile(join(folder, 'one', 'trees.html'), 'utf8');
  // Both algorithms' trees, with their own credit and that of all others.
  expect(page).toContain('grpo, seed 0');
  expect(page).toContain('carl, seed 0');
  for (const method of ['as trained', 'grpo', 'carl', 'treerl'])
    expect(page).toContain(`>${method}</option>`);
  expect(await readFile(join(folder, 'one', 'report.html'), 'utf8')).toContain('<a href="trees.html">');
});

it('without it a run leaves the same but for those, and says when cells have none', async () => {
  const without = await run('without');
  expect(without.stderr).not.toContain('trees');
  const rest = (files: Readonly<Record<string, string>>) =>
    Object.entries(files).filter((file) => !isKept(file) && !isTiming(file));
  expect(Object.entries(await cellsOf('without')).filter(isKept)).toEqual([]);
  expect(rest(await cellsOf('without'))).toEqual(rest(await cellsOf('one')));
  const page = await readFile(join(folder, 'without', 'report.html'), 'utf8');
  expect(page).not.toContain('trees.html');
  const late = await run('without', '--keep-trees');
  expect(late.code).toBe(0);
  expect(late.stderr).toContain(
    'trees: 2 finished cells have none, as they were finished without --keep-trees',
  );
});

it('report writes them beside any report, of several runs and of old ones', async () => {
  const both = await callCreditbench(folder, [
    'report',
    'one',
    'without',
    '--out',
    join('pages', 'both.html'),
  ]);
  expect(both.code).toBe(0);
  expect(both.stderr).toContain(`trees: ${join('pages', 'both-trees.html')}\n`);
  expect(await readFile(join(folder, 'pages', 'both.html'), 'utf8')).toContain('<a href="both-trees.html">');
  expect(await readFile(join(folder, 'pages', 'both-trees.html'), 'utf8')).toContain('grpo (one), seed 0');
  const none = await callCreditbench(folder, ['report', 'without', '--out', 'none.html']);
  expect(none.stderr).toBe('report: none.html\n');
});
