import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageInfo } from '../core/package.ts';
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

describe('wrong input ends with exit code 2 and one message', () => {
  const TYPO =
    'name: mine\nenvironments: [multihop]\npolicy: transformer\nalgorithms: [grpo]\ntraining:\n  learningRat: 1\n';

  it.each<[string, readonly string[], string]>([
    [
      'an unknown option',
      ['run', 'tiny', '--seed', '3'],
      "error: unknown option '--seed' (Did you mean --seeds?); valid: --algorithm, --environment, --policy, --seeds, --workers, --backend, --out, --cache, --retry-failed, --checkpoint-seconds, --tensorboard, --set, --queue, --columns, --wide, --json, --help\n",
    ],
    [
      'an unknown command',
      ['rnu'],
      "error: unknown command 'rnu' (Did you mean run?); valid: run, status, worker, compare, report, power, rollout, audit, criticality, profile, data, list, bench, doctor, score, warm-start, --help\n",
    ],
    ['a missing argument', ['run'], 'error: run: no suite is named; valid: a suite'],
    [
      'a list of something else',
      ['list', 'policies'],
      'Allowed choices are algorithms, environments, suites.\n',
    ],
    [
      'too many workers',
      ['run', 'tiny', '--workers', '257'],
      "error: --workers: '257' is not valid; valid: whole number from 1 to 256\n",
    ],
    [
      'no whole number of seeds',
      ['run', 'tiny', '--seeds', '1.5'],
      "error: --seeds: '1.5' is not valid; valid: whole number from 1 to 10000\n",
    ],
    [
      'an unknown backend',
      ['run', 'tiny', '--backend', 'abacus'],
      "error: --backend: 'abacus' is not known; valid: ",
    ],
    [
      'an unknown suite',
      ['run', 'tiyn'],
      "error: suite 'tiyn' is not known; valid: all, backends, forking, own, paper, quick, search, tiny, or the path of a YAML file\n",
    ],
    [
      'an unknown algorithm',
      ['run', 'tiny', '--set', 'algorithms=[grop]'],
      "error: --set algorithms=[grop]: algorithms.grop.id: unknown algorithm 'grop'; valid: a2tgpo, actfocus, aipo, akbe, appo, arpo, carl, ",
    ],
    ...['audit', 'criticality'].map((command): [string, readonly string[], string] => [
      `an unknown environment of ${command}`,
      [command, '--environment', 'nope'],
      "error: --environment: unknown environment 'nope'; valid: key-door/v1, multihop/v1,",
    ]),
    [
      'an unknown environment of rollout',
      ['rollout', 'nope'],
      "error: <environment>: unknown environment 'nope'; valid: key-door/v1,",
    ],
    [
      'an unknown environment of run',
      ['run', 'tiny', '--environment', 'nope'],
      "error: --environment nope: environments.nope.id: unknown environment 'nope'; valid: key-door/v1,",
    ],
    [
      'an unknown setting',
      ['run', 'tiny', '--set', 'training.iteration=3'],
      'error: --set training.iteration=3: training.iteration: unknown key; valid keys: iterations, questions,',
    ],
    [
      'a negative group size',
      ['run', 'tiny', '--set', 'algorithms.grpo.options.groupSize=-2'],
      'algorithms.grpo.options.groupSize: -2 is not valid; valid: whole number from 1 to 4096\n',
    ],
    [
      'a folder that cannot be written',
      ['run', 'tiny', '--out', 'file/results'],
      'error: --out: cannot write in the folder file/results (',
    ],
    [
      'a cache that cannot be written',
      ['run', 'tiny', '--cache', 'file/cache'],
      'error: --cache: cannot write in the folder file/cache (',
    ],
    [
      'a typo in a suite file',
      ['run', 'typo.yaml'],
      'error: typo.yaml:6:3: training.learningRat: unknown key; valid keys: iterations, questions, learningRate,',
    ],
    [
      'an unknown metric',
      ['score', 'a', 'b', '--metric', 'bleu'],
      "error: --metric: unknown value 'bleu'; valid: ",
    ],
  ])('%s', async (_, args, message) => {
    await writeFile(join(folder, 'typo.yaml'), TYPO);
    const { code, stdout, stderr } = await creditbench(args);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('list, doctor, help', () => {
  it('lists as JSON, with default options', async () => {
    const { code, stdout, stderr } = await creditbench(['list', 'algorithms', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const algorithms = JSON.parse(stdout) as { id: string; options: object }[];
    expect(algorithms.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['carl', 'carl-lite', 'grpo', 'rloo']),
    );
    expect(algorithms.find(({ id }) => id === 'carl')?.options).toMatchObject({ initial: 8, forks: 16 });
    // What the table shows is in it, also if an algorithm leaves it at the default.
    for (const entry of algorithms) {
      for (const key of ['paper', 'granularity', 'extraSamples', 'critic', 'trained', 'evidence']) {
        expect(entry, entry.id).toHaveProperty(key);
      }
    }
    const all = JSON.parse((await creditbench(['list', '--json'])).stdout);
    expect(Object.keys(all)).toEqual(['algorithms', 'environments', 'suites']);
    expect(all.suites.map(({ id }: { id: string }) => id)).toEqual([
      'all',
      'backends',
      'forking',
      'own',
      'paper',
      'quick',
      'search',
      'tiny',
    ]);
  });

  it('lists as plain text when stdout is no terminal', async () => {
    const { stdout } = await creditbench(['list', 'environments']);
    expect(stdout).toMatch(/\| multihop\/v1 +\|/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no escape sequences, no box drawing
    expect(stdout).toMatch(/^[\x0a\x20-\x7e]*$/);
  });

  it('tells what the machine has', async () => {
    const { code, stdout } = await creditbench(['doctor', '--json']);
    const report = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(report).toMatchObject({ ready: true, node: { ok: true, value: process.versions.node } });
    expect(report.backends).toContainEqual(expect.objectContaining({ name: 'wasm', available: true }));
    const broken = await creditbench(['doctor', '--cache', 'file/cache']);
    expect(broken.code).toBe(1);
    expect(broken.stdout).toContain('not writable');
  });

  it('prints help and version on stdout', async () => {
    const help = await creditbench(['run', '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('creditbench run quick --seeds 5');
    expect(await creditbench(['--version'])).toEqual({
      code: 0,
      stdout: `${packageInfo().version}\n`,
      stderr: '',
    });
    expect((await creditbench([])).stdout).toContain('Usage: creditbench');
  });
});

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
