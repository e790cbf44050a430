import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawnCreditbench } from './spawn.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credit-quality-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('on multihop, from the policy that quick starts from', () => {
  it('sampled advantages agree with the exact ones, and their intervals hold them', async () => {
    const args = ['credit-quality', '--questions', '16', '--budget', '60', '--algorithm', 'grpo'];
    const truths = ['--truth', 'exact', '--truth', '16'];
    const { code, stderr } = await spawnCreditbench(folder, [...args, ...truths, '--out', 'out']);
    expect(code, stderr).toBe(0);
    const [row] = parse(await readFile(join(folder, 'out', 'credit-quality-truth.csv')), {
      columns: true,
      cast: true,
    }) as [Readonly<Record<string, number>>];
    expect(row.advantages).toBeGreaterThan(200);
    expect(row.covered).toBeGreaterThan(0.95 - 3 * row.covered_error!);
    // The share is known to about a percent, and the mean to 0.004: a truth that is 0.02 beside it fails.
    expect(row.covered_error).toBeLessThan(0.012);
    expect(Math.abs(row.bias!)).toBeLessThan(3.5 * row.bias_error!);
    expect(row.squared_error! / row.stated_squared_error!).toBeGreaterThan(0.7);
    expect(row.squared_error! / row.stated_squared_error!).toBeLessThan(1.4);
    expect(row.correlation).toBeGreaterThan(0.9);
  });
});
