import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawnCreditbench } from './spawn.test-helper.ts';

const creditbench = (...rest: DropFirst<Parameters<typeof spawnCreditbench>>) =>
  spawnCreditbench(folder, ...rest);
type DropFirst<List extends unknown[]> = List extends [unknown, ...infer Rest] ? Rest : never;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-cli-'));
  await writeFile(join(folder, 'file'), '');
});
afterAll(() => rm(folder, { recursive: true }));

/** Few questions and two algorithms: a real run that takes seconds. */
const SMALL = [
  'run',
  'tiny',
  '--set',
  'environments=[multihop]',
  '--set',
  'algorithms=[{id: grpo, options: {groupSize: 2}}, {id: carl-lite, options: {forks: 2}}]',
];

describe('run', () => {
  it('runs a suite, prints the comparison on stdout, and skips what is finished', async () => {
    const first = await creditbench([...SMALL, '--workers', '2', '--out', 'two', '--cache', 'cache']);
    expect(first.stderr).toMatch(/^\[0\/2\] prepare multihop\/v1 grpo seed 0/);
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(/\| grpo +\| 1 +\|[^\n]*\(1\.00x\)/);
    expect(first.stdout).toMatch(/\| carl-lite +\| 1 +\|/);
    const again = [...SMALL, '--workers', '1', '--out', 'two', '--cache', 'cache', '--tensorboard'];
    const second = await creditbench(again);
    expect(second.stderr.match(/skip {4}/g)).toHaveLength(2);
    expect(second.stdout).toBe(first.stdout);
    const events = await readdir(join(folder, 'two', 'tensorboard', 'multihop', 'v1', 'grpo', 'seed-0'));
    expect(events).toEqual(['events.out.tfevents.0.creditbench']);
    expect(second.stderr).toContain(`event files: tensorboard --logdir ${join('two', 'tensorboard')}`);
    // A new folder, one worker and an empty cache: the same bytes.
    const third = await creditbench([...SMALL, '--workers', '1', '--out', 'one', '--cache', 'other-cache']);
    expect(third.stdout).toBe(first.stdout);
    const files = (await readdir(join(folder, 'one'))).filter((name) => /\.(csv|json|md|tex)$/.test(name));
    expect(files).toHaveLength(10);
    for (const name of files.filter((file) => file !== 'timings.csv')) {
      expect(await readFile(join(folder, 'one', name), 'utf8')).toBe(
        await readFile(join(folder, 'two', name), 'utf8'),
      );
    }
  });

  it('compares results folders, and refuses what was run on other data', async () => {
    const run = (out: string, ...more: string[]) =>
      creditbench([...SMALL, ...more, '--out', out, '--cache', 'cache']);
    await run('long');
    await run('short', '--set', 'environments=[{id: multihop, options: {maxTurns: 4}}]');
    const same = await creditbench(['compare', 'long', 'two']);
    expect(same).toMatchObject({ code: 0, stderr: '' });
    expect(same.stdout).toMatch(/\| grpo \(long\) +\| 1 +\|/);
    expect(same.stdout).toMatch(/\| carl-lite \(two\) +\| 1 +\|/);
    const mixed = await creditbench(['compare', 'long', 'short']);
    expect(mixed).toMatchObject({ code: 2, stdout: '' });
    expect(mixed.stderr).toContain(
      'differing options: maxTurns 6 and 4; valid: results of one fingerprint, or --allow-mixed',
    );
    expect((await creditbench(['compare', 'long', 'short', '--allow-mixed'])).code).toBe(0);
    expect((await creditbench(['compare', 'nowhere'])).stderr).toContain('cannot be read (ENOENT)');
  });

  it('reports a failed cell and ends with exit code 1', async () => {
    // This environment has no demonstrations, so its weights cannot be warmed up.
    const run = (environments: string) =>
      creditbench([
        ...SMALL,
        ...['--set', `environments=${environments}`, '--out', 'failed', '--cache', 'cache'],
      ]);
    const { code, stdout, stderr } = await run('[multihop, stop-or-search]');
    expect(code).toBe(1);
    expect(stdout).toMatch(/\| stop-or-search\/v1 +\| grpo +\| 0, 1 FAILED \|/);
    expect(stderr).toMatch(
      /FAILED {2}stop-or-search\/v1 grpo seed 0: .*\(failed\/cells\/[0-9a-f]{16}\.failed\.json\)/,
    );
  });

  it('refuses a run of which no cell can begin, and records no failure', async () => {
    const { code, stdout, stderr } = await creditbench([
      ...SMALL,
      ...['--set', 'environments=[stop-or-search]', '--out', 'refused', '--cache', 'cache'],
    ]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/error: warmStart\.steps is \d+, but stop-or-search\/v1 has no demonstrations/);
    expect(await readdir(join(folder, 'refused', 'cells'))).toEqual([]);
  });

  it('stops on Ctrl-C with exit code 130 and leaves only whole files', async () => {
    const long = [
      '--set',
      'training.iterations=100000',
      '--workers',
      '2',
      '--out',
      'stopped',
      '--cache',
      'cache',
    ];
    const { code, stderr } = await creditbench([...SMALL, ...long], (line, kill) => {
      if (line.includes('start   multihop/v1 carl-lite')) kill('SIGINT');
    });
    expect(code).toBe(130);
    expect(stderr).toContain('stopped: 2 cells are not finished');
    const names = await readdir(join(folder, 'stopped'), { recursive: true });
    expect(names.sort()).toEqual([
      'cells',
      'comparison.csv',
      'comparison.md',
      'comparison.tex',
      'entropy.csv',
      'metrics.csv',
      'pairwise.csv',
      'profiles.csv',
      'report.html',
      'results.json',
      'suite.json',
      'timings.csv',
    ]);
  });
});
