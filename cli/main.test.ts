import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageInfo } from '../core/package.ts';
import { callCreditbench } from './call.test-helper.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

const creditbench = (args: readonly string[]) => callCreditbench(folder, args);

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
      "error: unknown option '--seed' (Did you mean --seeds?); valid: --algorithm, ",
    ],
    [
      'an unknown command',
      ['rnu'],
      "error: unknown command 'rnu' (Did you mean run?); valid: run, estimate, status, ",
    ],
    ['a missing argument', ['run'], 'error: run: no suite is named; valid: a suite'],
    [
      'a list of something else',
      ['list', 'papers'],
      'Allowed choices are algorithms, environments, policies, suites.\n',
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
    ['an unknown suite', ['run', 'tiyn'], "error: suite 'tiyn' is not known; valid: all, "],
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

it('the process ends with the code, and says things where they belong', async () => {
  expect(await spawnCreditbench(folder, ['rnu'])).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^error: unknown command 'rnu'[^\n]*\n$/),
  });
  const version = { code: 0, stdout: `${packageInfo().version}\n`, stderr: '' };
  expect(await spawnCreditbench(folder, ['--version'])).toEqual(version);
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
    expect(Object.keys(all)).toEqual(['algorithms', 'environments', 'policies', 'suites']);
    expect(all.suites.map(({ id }: { id: string }) => id)).toContain('tiny');
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
