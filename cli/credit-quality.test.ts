import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { creditQualityCommand } from './credit-quality.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credit-quality-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** Runs the command in this process; returns what it prints. */
const run = async (...args: readonly string[]): Promise<string> => {
  let printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  let code: number | undefined;
  await creditQualityCommand((value) => {
    code = value;
  }).parseAsync([...args, '--cache', join(folder, 'cache')], { from: 'user' });
  expect(code).toBe(0);
  return printed;
};
const SMALL = ['stop-or-search', '--algorithm', 'grpo,carl', '--budget', '40'];

describe('creditbench credit-quality', () => {
  it('prints a table and writes its files, the same bytes for the same seed', async () => {
    const [out, again, other] = ['a', 'b', 'c'].map((name) => join(folder, name)) as [string, string, string];
    const truths = ['--truth', 'exact', '--truth', '8'];
    const printed = await run(...SMALL, ...truths, '--out', out);
    expect(printed).toMatch(/\| carl +\|/);
    expect(printed).toContain('Advantages: exact.');
    expect(printed.replaceAll('\n', ' ')).toContain('8 rollouts against exact, 4 advantages:');
    await run(...SMALL, ...truths, '--out', again);
    await run(...SMALL, ...truths, '--out', other, '--seed', '1');
    const names = ['credit-quality-questions.csv', 'credit-quality-truth.csv', 'credit-quality.csv'];
    expect((await readdir(out)).sort()).toEqual(names);
    for (const name of names) {
      const text = await readFile(join(out, name), 'utf8');
      expect(await readFile(join(again, name), 'utf8')).toBe(text);
      expect(await readFile(join(other, name), 'utf8')).not.toBe(text);
    }
    const rows = (await readFile(join(out, 'credit-quality.csv'), 'utf8')).trim().split('\n');
    expect(rows.slice(1).map((row) => row.split(',').slice(0, 2).join())).toEqual([
      ...['grpo,exact', 'carl,exact', 'grpo,8', 'carl,8'],
    ]);
  });

  it('keeps finished methods and goes on with the others; damaged ones are measured again', async () => {
    const out = join(folder, 'kept');
    const table = async (...more: readonly string[]) => {
      await run(...SMALL, '--truth', '8', '--out', out, ...more);
      return readFile(join(out, 'credit-quality-questions.csv'), 'utf8');
    };
    const whole = await table();
    const files = (await readdir(join(out, 'methods'))).map((name) => join(out, 'methods', name));
    const stored = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    expect(stored.map((text) => JSON.parse(text).name).sort()).toEqual(['carl', 'grpo']);
    expect(await table()).toBe(whole);
    // What is kept is used: it is believed.
    await writeFile(files[0]!, stored[0]!.replace(/"actions":\d+/, '"actions":123456'));
    expect(await table()).toContain('123456');
    // Another seed, another method.
    expect(await table('--seed', '1')).not.toContain('123456');
    for (const damaged of ['', stored[0]!.slice(0, 80), stored[0]!.replace(/"hash":"./, '"hash":"x')]) {
      await writeFile(files[0]!, damaged);
      expect(await table()).toBe(whole);
    }
  });

  it('prints one JSON object with --json, and names what it leaves out', async () => {
    const world = fileURLToPath(new URL('../examples/world.ts', import.meta.url));
    const args = [world, '--algorithm', 'grpo', '--algorithm', 'igpo', '--budget', '20', '--json'];
    const { settings, methods, skipped } = JSON.parse(await run(...args, '--truth', '4'));
    expect(settings).toMatchObject({ questions: 1, rollouts: 16, budget: 20, truths: [4], actions: 'all' });
    expect(methods.map((row: { algorithm: string }) => row.algorithm)).toEqual(['grpo']);
    expect(methods[0].pearson_observed).toBeGreaterThan(0);
    expect(skipped).toEqual([{ name: 'igpo', reason: expect.stringContaining('has no answers') }]);
  });

  it.each([
    [['--truth', '1'], "--truth: '1' is not valid; valid: exact, or whole number from 2 to 100000"],
    [['--truth', '8', '--truth', '8'], '--truth: 8 is given twice; valid: each once'],
    [['--questions', '2'], '--questions: 2 is not valid; valid: whole number from 1 to 1, the dev questions'],
    [['--budget', '0'], "--budget: '0' is not valid; valid: whole number from 1 to"],
    [['--rollouts', '1'], "--rollouts: '1' is not valid; valid: whole number from 2 to 4096"],
    [['--split', 'all'], "--split: 'all' is not valid; valid: train, dev, test"],
    [['--baseline', 'rloo'], "--baseline: 'rloo' is not measured; valid: grpo, carl, or another"],
    [['--algorithm', 'alphazero'], "--algorithm: unknown algorithm 'alphazero'; valid: a2tgpo,"],
    [['--columns', 'gian'], "--columns: 'gian' is no column; valid: algorithm, pearson"],
  ])('%s: names option, value and range', async (args, message) => {
    await expect(run(...SMALL, ...args)).rejects.toThrow(message);
  });

  it('refuses exact truth in free text before it makes any weights', async () => {
    await expect(run('search', '--algorithm', 'grpo', '--truth', 'exact')).rejects.toThrow(
      "--truth: 'exact' is not valid for search/v1, whose states cannot be enumerated; valid: rollouts per",
    );
  });
});
