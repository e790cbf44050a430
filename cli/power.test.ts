import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CELL_COLUMNS, METRIC_COLUMNS } from '../bench/columns.ts';
import { formatCsv } from '../bench/csv.ts';
import { seedsNeeded } from '../bench/stats/power.ts';
import { callCreditbench } from './call.test-helper.ts';

let folder: string;
const SCORES = { grpo: [0.4, 0.5, 0.45], carl: [0.43, 0.51, 0.5], rloo: [0.4, 0.5, 0.45] };

/** A results folder with the final dev F1 of every algorithm and seed. */
async function results(
  name: string,
  scores: Readonly<Record<string, readonly number[]>>,
  fingerprint = 'f',
  score: { name: string; range: readonly number[] } = { name: 'f1', range: [0, 1] },
): Promise<void> {
  const cells = Object.entries(scores).flatMap(([algorithm, list]) =>
    list.map((f1, seed) => ({
      environment: 'walk/v1',
      policy: 'small',
      algorithm,
      algorithmId: algorithm,
      seed,
      cell: createHash('sha256').update(`${name} ${algorithm} ${seed}`).digest('hex').slice(0, 16),
      status: 'finished',
      fingerprint,
      options: { index: fingerprint },
      f1,
    })),
  );
  await mkdir(join(folder, name));
  await writeFile(
    join(folder, name, 'suite.json'),
    JSON.stringify({ declarations: { 'walk/v1': { score, metrics: [] } }, cells }),
  );
  const rows = cells.flatMap(({ environment, policy, algorithm, seed, cell, f1 }) =>
    [0.25, f1].map((dev_f1, iteration) => ({
      environment,
      policy,
      algorithm,
      seed,
      cell,
      iteration,
      dev_f1,
    })),
  );
  const csv = formatCsv([...CELL_COLUMNS, ...METRIC_COLUMNS], rows);
  await writeFile(join(folder, name, 'metrics.csv'), csv);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-power-'));
  await results('pilot', SCORES);
  await results('later', { grpo: [0.5, 0.62, 0.54] });
  await results('other', { grpo: [0.5, 0.62, 0.54] }, 'g');
  await results('single', { grpo: [0.4], carl: [0.5] });
});
afterAll(() => rm(folder, { recursive: true }));

const creditbench = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await callCreditbench(folder, args);
  const lines = stdout
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((text) => text.trim()),
    );
  return { code, stdout, stderr, lines };
};

describe('creditbench power', () => {
  it('says how many seeds a stated difference needs', async () => {
    const { code, stdout, stderr, lines } = await creditbench(
      'power',
      '--difference',
      '0.5',
      '--deviation',
      '1',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines).toContainEqual(['34 (needed)', '81 %', '0.4950']);
    expect(stdout).toContain('34 seeds find a difference of 0.5 with a chance of 80 % or more');
    const three = await creditbench('power', '--difference', '0.5', '--deviation', '1', '--comparisons', '3');
    expect(three.stdout).toContain('at 0.05 / 3 comparisons');
    expect(three.stdout).toContain(
      `${seedsNeeded({ difference: 0.5, deviation: 1, alpha: 0.05 / 3 })} seeds find`,
    );
  });

  it('plans with the spread of a pilot, and with the most that it leaves possible', async () => {
    const { code, stdout, lines } = await creditbench('power', 'pilot', '--difference', '0.02', '--wide');
    expect(code).toBe(0);
    // Differences 0.03, 0.01, 0.05: deviation 0.02; the upper 80 % limit of three is 2.117 times that.
    expect(lines.at(-1)).toEqual([
      'carl',
      'grpo',
      '3',
      '0.0200',
      '0.0423',
      expect.stringMatching(/^\d+ %$/),
      String(seedsNeeded({ difference: 0.02, deviation: 0.02 })),
      String(seedsNeeded({ difference: 0.02, deviation: 0.02 * 2.1169364935501847 })),
    ]);
    expect(stdout).toContain('1 of 2 comparisons have no spread to plan with: left out.');
  });

  it.each<[string, readonly string[], string]>([
    ['no difference', ['--deviation', '1'], "required option '--difference <score>' not specified"],
    ['nothing to plan with', ['--difference', '0.1'], '--deviation: not given; valid: a number above 0'],
    ['both', ['pilot', '--difference', '0.1', '--deviation', '1'], '--deviation: not valid together with'],
    ['a pilot of one seed', ['single', '--difference', '0.1'], 'results: single has no two algorithms that'],
    ['a difference of nothing', ['--difference', '0', '--deviation', '1'], "--difference: '0' is not valid"],
    [
      'too small',
      ['--difference', '0.00001', '--deviation', '1'],
      'too small to be found with 1000000 seeds',
    ],
  ])('%s is an error', async (_, args, message) => {
    const { code, stdout, stderr } = await creditbench('power', ...args);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('creditbench compare', () => {
  it('compares with the baseline in pairs and says what it may say', async () => {
    const { code, stdout, lines } = await creditbench('compare', 'pilot', '--wide');
    expect(code).toBe(0);
    // Difference 0.03, deviation 0.02: t = 2.598 with two degrees of freedom. Wins of carl: 1 + 3 + 2.5 of 9.
    expect(lines.at(-2)).toEqual([
      ...['carl', 'grpo', '3', '+0.030 +- 0.050', 't', '0.122', '0.243'],
      expect.stringMatching(/^0\.72 \[0\.\d\d, 0\.\d\d\]$/),
    ]);
    expect(lines.at(-1)!.slice(0, 7)).toEqual(['rloo', 'grpo', '3', '0.000 +- 0.000', 't', '1.000', '1.000']);
    expect(stdout).toContain('of 2 comparisons at 5 % after Holm, none told apart.');
    const other = await creditbench('compare', 'pilot', '--baseline', 'rloo', '--wide');
    expect(other.lines.at(-1)!.slice(0, 2)).toEqual(['carl', 'rloo']);
  });

  it('compares an algorithm of two runs with itself', async () => {
    const { lines, stdout } = await creditbench('compare', 'pilot', 'later', '--wide');
    const pair = lines.find(([name, against]) => name === 'grpo (later)' && against === 'grpo (pilot)');
    expect(pair!.slice(2, 5)).toEqual(['3', '+0.103 +- 0.038', 't']);
    expect(stdout).toContain('told apart: grpo (later) above grpo (pilot) (walk/v1)');
  });

  it('refuses other data or retrieval with what differs; side by side it compares no pairs', async () => {
    const refused = await creditbench('compare', 'pilot', 'other');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('differing options: index "f" and "g"');
    const { code, lines, stdout } = await creditbench('compare', 'pilot', 'other', '--allow-mixed', '--wide');
    expect(code).toBe(0);
    const pair = lines.find(([name, against]) => name === 'grpo (other)' && against === 'grpo (pilot)');
    expect(pair!.slice(2)).toEqual([
      '0',
      '-',
      '-',
      '-',
      '-',
      '-',
      'different data or retrieval: not compared',
    ]);
    expect(stdout).not.toContain('told apart: grpo (other)');
  });

  it('counts steps to a threshold and the gap to anchors where they are stated', async () => {
    const flags = ['--wide', '--threshold', '0.45', '--anchor', 'walk/v1=0.2,0.7'];
    const { lines } = await creditbench('compare', 'pilot', ...flags, '--out', 'compared');
    expect((await readdir(join(folder, 'compared'))).sort()).toEqual([
      'comparison.csv',
      'comparison.md',
      'comparison.tex',
      'pairwise.csv',
      'profiles.csv',
      'results.json',
    ]);
    const { analysis, comparison } = JSON.parse(
      await readFile(join(folder, 'compared', 'results.json'), 'utf8'),
    );
    expect(analysis).toMatchObject({ threshold: 0.45, anchors: { 'walk/v1': { random: 0.2, oracle: 0.7 } } });
    expect(comparison[0]).toMatchObject({ algorithm: 'grpo', threshold_reached: 2 });
    const over = await creditbench('compare', 'pilot', '--out', 'later');
    expect(over).toMatchObject({
      code: 2,
      stderr: 'error: --out: later holds the results of a run; valid: another folder\n',
    });
    const grpo = lines.find(([name, seeds]) => name === 'grpo' && seeds === '3');
    expect(grpo!.slice(-2)).toEqual(['0.500 +- 0.248', '2 of 3, 1']);
    for (const anchor of ['walk/v1', 'walk/v1=1,0']) {
      const { code, stderr } = await creditbench('compare', 'pilot', '--anchor', anchor);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringContaining(
          `--anchor: '${anchor}' is not valid; valid: environment=random,oracle`,
        ),
      });
    }
  });

  it('one seed has no intervals', async () => {
    const { code, stdout } = await creditbench('compare', 'single');
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing could be tested');
    expect(stdout).not.toMatch(/\d \+- \d/);
  });
});
