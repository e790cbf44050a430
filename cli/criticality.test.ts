import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { criticalityCommand } from './criticality.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'criticality-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** Runs the command in this process; returns what it prints. */
const run = async (...args: string[]): Promise<string> => {
  let printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  const common = ['--environment', 'stop-or-search', '--policy', 'tabular', '--cache', join(folder, 'cache')];
  let code: number | undefined;
  await criticalityCommand((value) => {
    code = value;
  }).parseAsync([...common, ...args], { from: 'user' });
  expect(code).toBe(0);
  return printed;
};

describe('creditbench criticality', () => {
  it('writes its tables and prints them, the same bytes for the same seed', async () => {
    const [out, again] = [join(folder, 'a'), join(folder, 'b')];
    expect(await run('--out', out)).toContain('stop');
    await run('--out', again);
    const names = ['entropy-histogram', 'groups', 'histogram', 'prediction', 'sampling', 'states'];
    expect((await readdir(out)).sort()).toEqual(names.map((name) => `${name}.csv`));
    for (const name of await readdir(out)) {
      expect(await readFile(join(out, name), 'utf8')).toBe(await readFile(join(again, name), 'utf8'));
    }
    const states = await readFile(join(out, 'states.csv'), 'utf8');
    // Uniform and greedy (the first of equals: A): |1 - 0.3| / 2.
    expect(states).toMatch(/,0\.35,0\.35,/);
  });

  it('prints the slopes of correlated siblings', async () => {
    const printed = await run(
      '--out',
      join(folder, 'correlated'),
      '--correlated',
      '--samples',
      '0',
      '--wide',
    );
    const table = printed.slice(printed.indexOf("CARL's advantage")).split('\n');
    const rows = table.filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1));
    const [names, ...values] = rows.map((row) => row.map((cell) => cell.trim()));
    const slopes = values.map((row) => Number(row[names!.indexOf('slope')]));
    expect(slopes).toHaveLength(30);
    expect(slopes.every(Number.isFinite)).toBe(true);
    expect(Math.max(...slopes)).toBeGreaterThan(0.5);
  });

  it('prints one JSON object with --json', async () => {
    const printed = JSON.parse(await run('--out', join(folder, 'json'), '--json', '--samples', '0'));
    expect(printed.settings).toMatchObject({ environment: 'stop-or-search', samples: 0, threshold: 0.4 });
    expect(Object.keys(printed.tables)).toEqual(['histogram', 'entropy-histogram', 'prediction', 'groups']);
    expect(printed.tables.groups[0]).toMatchObject({ by: 'all', criticality: 0.35 });
  });

  it.each([
    [['--threshold', '0.5'], '--threshold: 0.5 is not valid; valid: number from 0 to below 0.5'],
    [['--threshold', 'high'], "--threshold: 'high' is not valid; valid: number from 0"],
    [['--questions', '2'], '--questions: 2 is not valid; valid: whole number from 1 to 1, the dev questions'],
    [['--samples', '1'], '--samples: 1 is not valid; valid: 0 (exact values only), or 2'],
    [['--samples', '-1'], "--samples: '-1' is not valid; valid: whole number from 0"],
    [['--split', 'all'], "--split: 'all' is not known; valid: train, dev, test"],
    [['--training'], "--policy: 'tabular' is not valid with --training"],
    [['--environment', 'chess'], "unknown environment 'chess'; valid: "],
  ])('%s: names option, value and range', async (args, message) => {
    await expect(run('--out', join(folder, 'bad'), ...args)).rejects.toThrow(message);
  });
});
