import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CURVE_COLUMNS } from '../bench/profile/curves.ts';
import { PROFILE_COLUMNS, SCORE_COLUMNS } from '../bench/profile/summary.ts';
import { callCreditbench } from './call.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-profile-'));
  const mine = `import { CATALOG } from 'creditbench'; export default { ...CATALOG.algorithm('carl'), id: 'mine-with-a-long-name' };`;
  await writeFile(join(folder, 'mine.ts'), mine);
});
afterAll(() => rm(folder, { recursive: true }));
const run = (...args: string[]) => callCreditbench(folder, ['profile', ...args]);
const SMALL = ['--quick', '--seeds', '2', '--experiment', 'confident-mistake', '--experiment', 'capability'];

describe('creditbench profile', () => {
  it('sets a method of one own beside GRPO, and with workers to the same bytes', async () => {
    const one = await run(...SMALL, '--algorithm', './mine.ts', '--out', 'one', '--workers', '1');
    expect(one.code).toBe(0);
    expect(one.stderr).toContain('note: ./mine.ts is code');
    // Two experiments, two methods, two levels: 4 learning rates and 2 seeds each.
    expect(one.stderr).toMatch(/\n5 of 48 runs, \d+ (s|min) left: grpo in confident-mistake\n/);
    expect(one.stderr.match(/ of 48 runs/g)).toHaveLength(10);
    expect(one.stdout).toMatch(
      /^score +1 +2\ngrpo +\S+ +\S+\nmine-with-a-~ +\S+ +\S+\n\n1 confident-mistake {3}2 capability\n/,
    );
    for (const line of one.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    const two = await run(...SMALL, '--algorithm', './mine.ts', '--out', 'two', '--workers', '2', '--json');
    expect(two.code).toBe(0);
    for (const [name, columns] of [
      ['profile.csv', PROFILE_COLUMNS],
      ['scores.csv', SCORE_COLUMNS],
      ['curves.csv', CURVE_COLUMNS],
    ] as const) {
      const text = await readFile(join(folder, 'one', name), 'utf8');
      expect(text.split('\n')[0]).toBe(columns.map((column) => column.name).join());
      expect(await readFile(join(folder, 'two', name), 'utf8')).toBe(text);
    }
    expect(one.stderr.endsWith(`report: ${join('one', 'profile.html')}\n`)).toBe(true);
    const page = await readFile(join(folder, 'one', 'profile.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>.*<h3>mine-with-a-long-name<\/h3>.*<\/html>\n$/s);
    expect(await readFile(join(folder, 'two', 'profile.html'), 'utf8')).toBe(page);
    const { scores } = JSON.parse(two.stdout);
    expect(scores).toHaveLength(2 * 2 * 2 * 2);
    expect(Object.keys(scores[0])).toEqual(['algorithm', 'experiment', 'level', 'seed', 'score']);
  });

  it.each<[string, string[], string]>([
    [
      'an unknown algorithm',
      ['--algorithm', 'nope'],
      "--algorithm: unknown algorithm 'nope'; valid: a2tgpo, actfocus, ",
    ],
    [
      'an unknown experiment',
      ['--experiment', 'nope'],
      "--experiment: unknown experiment 'nope'; valid: horizon, late, ",
    ],
    ['one seed', ['--seeds', '1'], "--seeds: '1' is not valid; valid: whole number from 2 to 1000"],
    ['no worker', ['--workers', '0'], "--workers: '0' is not valid; valid: whole number from 1 to 256"],
  ])('refuses %s with exit code 2', async (_, args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
