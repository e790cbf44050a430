import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callCreditbench } from './call.test-helper.ts';
import { spawnCreditbench } from './spawn.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-estimator-'));
  // Credits the rollout's own return; of turns that were trained before, nothing.
  await writeFile(
    join(folder, 'reinforce.mjs'),
    `import { createInterface } from 'node:readline';
    for await (const line of createInterface({ input: process.stdin })) {
      const { batch, trajectories } = JSON.parse(line);
      const advantages = trajectories.map(({ turns, fork }) => turns.map((_, i) =>
        i < (fork?.turn ?? 0) ? null : turns.slice(i).reduce((sum, { reward }) => sum + reward, 0)));
      console.log(JSON.stringify({ batch, advantages }));
    }`,
  );
});
afterAll(() => rm(folder, { recursive: true }));
const node = `"${process.execPath}"`;
const run = (...args: string[]) =>
  callCreditbench(folder, ['audit', '--environment', 'stop-or-search', ...args]);

describe('creditbench audit --estimator', () => {
  it('has a row for each, before the algorithms that are named, in every output', async () => {
    const both = ['--estimator', `a=${node} reinforce.mjs`, '--estimator', `b=${node} reinforce.mjs`];
    const { code, stdout } = await run(...both, '--algorithm', 'reinforce', '--budget', '3', '--out', 'out');
    expect(code).toBe(0);
    for (const text of ['a', 'b', 'rollouts 3', 'reinforce', 'groupSize 3']) expect(stdout).toContain(text);
    const csv = await readFile(join(folder, 'out', 'audit.csv'), 'utf8');
    const names = csv.split('\n').map((line) => line.split(',').slice(0, 2).join(' '));
    expect(names.slice(1, 4)).toEqual([
      'stop-or-search/v1 a',
      'stop-or-search/v1 b',
      'stop-or-search/v1 reinforce',
    ]);
    const rows = csv.split('\n').slice(1, 4);
    expect(rows.map((row) => /,(unbiased|biased|scaled),/.exec(row)?.[1])).toEqual(
      new Array(3).fill('unbiased'),
    );
  });

  it("takes another algorithm's rollouts with --plan", async () => {
    const given = ['--estimator', `mine=${node} reinforce.mjs`, '--plan', 'carl-lite', '--budget', '2'];
    const { code, stdout } = await run(...given, '--options', '{entropy: exact}', '--json');
    expect(code).toBe(0);
    const [mine, ...others] = JSON.parse(stdout).audits;
    expect(others).toEqual([]);
    expect(mine.algorithm).toBe('mine');
    expect(JSON.parse(mine.options)).toMatchObject({ plan: 'carl-lite', initial: 1, entropy: 'exact' });
  });

  it.each<[string, string[], string]>([
    [
      'a command that is not there',
      ['--estimator', 'no-such-command-1'],
      "--estimator 'no-such-command-1': ended with exit code 127",
    ],
    ['no command', ['--estimator', 'mine='], "--estimator: 'mine=' has no command; valid: 'python mine.py'"],
    [
      'one name twice',
      ['--estimator', 'a=x', '--estimator', 'a=y'],
      "--estimator: two are named 'a'; valid: different",
    ],
    ['a plan without estimators', ['--plan', 'carl'], "--plan: 'carl' is for estimators, and there is none"],
    ['an unknown plan', ['--estimator', 'x', '--plan', 'nope'], "--plan: unknown algorithm 'nope'"],
    [
      'a loss of its own',
      ['--estimator', 'x', '--objective', 'own'],
      "--objective: 'own' is the loss of an algorithm",
    ],
    [
      'options for nothing',
      ['--estimator', 'x', '--options', '{a: 1}'],
      "--options: '{a: 1}' is for algorithms",
    ],
    [
      'a timeout of 0',
      ['--estimator', 'x', '--estimator-timeout', '0'],
      "--estimator-timeout: '0' is not valid; valid: whole",
    ],
  ])('refuses %s with exit code 2', async (_, args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toContain('    at ');
  });

  it('ends the program on Ctrl-C', async () => {
    const command = 'echo $PPID $$ > pids; cat > /dev/null; sleep 1000';
    const ended = spawnCreditbench(folder, [
      ...['audit', '--environment', 'stop-or-search', '--estimator', command],
    ]);
    const started = async (): Promise<readonly number[]> => {
      const text = await readFile(join(folder, 'pids'), 'utf8').catch(() => '');
      if (text.endsWith('\n')) return text.trim().split(' ').map(Number);
      await sleep(50);
      return started();
    };
    const [creditbench, program] = await started();
    process.kill(creditbench!, 'SIGINT');
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout, stderr }).toEqual({
      code: 130,
      stdout: '',
      stderr: 'stopped: nothing was written\n',
    });
    expect(() => process.kill(program!, 0)).toThrow('ESRCH');
  });
});
