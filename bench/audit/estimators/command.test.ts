import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../../algorithms/algorithm.ts';
import { rloo } from '../../../algorithms/rloo/index.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../../envs/diagnostic/stop-or-search.ts';
import { audit } from '../audit.ts';
import { auditPolicy } from '../policies.ts';
import { type CommandOptions, commandEstimator } from './command.ts';
import { byReturns, leaveOneOut } from './estimators.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-estimators-'));
});
afterAll(() => rm(folder, { recursive: true }));

const request = {
  algorithm: rloo as AnyAlgorithm,
  options: { groupSize: 4 },
  environment: stopOrSearch(),
  task: STOP_OR_SEARCH_TASK,
  policy: auditPolicy('default', 'stop-or-search/v1'),
};

/** A program in JavaScript, as a command. `answer` is an expression of `batch`, `rows` (the right answer) and `count`. */
async function program(name: string, answer: string, before = ''): Promise<string> {
  const file = join(folder, `${name}.cjs`);
  await writeFile(
    file,
    `${before}
    const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
    let count = 0;
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { batch, trajectories } = JSON.parse(line);
      const returns = trajectories.map(({ turns }) => turns.reduce((sum, turn) => sum + turn.reward, 0));
      const rows = trajectories.map(({ turns }, i) =>
        turns.map(() => returns[i] - mean(returns.filter((_, j) => j !== i))));
      const said = ${answer};
      count++;
      if (said !== undefined) process.stdout.write((typeof said === 'string' ? said : JSON.stringify(said)) + '\\n');
    });`,
  );
  return `"${process.execPath}" "${file}"`;
}

async function auditOf(command: string, options: CommandOptions = {}, more: object = {}) {
  const estimator = commandEstimator(command, { id: 'mine', ...options });
  try {
    return await audit({ ...request, estimator, ...more });
  } finally {
    await estimator.close();
  }
}

/** Whether a process is there. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('an estimator that is a program', () => {
  it('is audited as the same rule in this process, started once for several audits', async () => {
    const log = join(folder, 'starts');
    const command = await program(
      'right',
      '({ batch, advantages: rows })',
      `require('node:fs').appendFileSync(${JSON.stringify(log)}, 'started\\n');`,
    );
    const estimator = commandEstimator(command);
    expect(estimator.id).toBe(command);
    const found = await audit({ ...request, estimator });
    const again = await audit({ ...request, estimator, options: { groupSize: 3 } });
    await estimator.close();
    const own = { ...byReturns(command, leaveOneOut) };
    expect(found).toEqual(await audit({ ...request, estimator: own }));
    expect(again).toEqual(await audit({ ...request, estimator: own, options: { groupSize: 3 } }));
    expect(await readFile(log, 'utf8')).toBe('started\n');
  });

  it('is asked about equal batches once', async () => {
    const log = join(folder, 'asked');
    const command = await program(
      'counting',
      `(require('node:fs').appendFileSync(${JSON.stringify(log)}, '.'), { batch, advantages: rows })`,
    );
    const found = await auditOf(command, {}, { limit: 10, samples: 3000 });
    expect(found).toMatchObject({ method: 'monte carlo', outcomes: 3000 });
    const { length } = await readFile(log, 'utf8');
    expect(length).toBeLessThanOrEqual(81 + 11);
  });
});

describe('what a program does wrong is said', () => {
  const cases: readonly (readonly [string, () => Promise<string> | string, RegExp])[] = [
    [
      'a command that is not there',
      () => 'no-such-command-1',
      /^estimator 'mine': ended with exit code 127 and batch 0 has no answer; valid: one line .*no-such-command-1.*not found/s,
    ],
    [
      'a crash in the middle, with the end of what it said',
      () =>
        program(
          'crash',
          "count === 5 ? (console.error('line 1\\nKeyError: reward'), process.exit(3)) : { batch, advantages: rows }",
        ),
      /ended with exit code 3 and batch 5 has no answer; .*its stderr ends with:\nline 1\nKeyError: reward$/s,
    ],
    [
      'a program that ends early without an error',
      () => program('early', 'count === 5 ? process.exit(0) : { batch, advantages: rows }'),
      /ended with exit code 0 and batch 5 has no answer/,
    ],
    [
      'other output on stdout',
      () => program('chatty', '({ batch, advantages: rows })', "console.log('Loading model...');"),
      /stdout has a line that is no JSON where the answer to batch 0 should be: "Loading model..."; valid: .*stderr/,
    ],
    [
      'JSON that is something else',
      () => program('number', '"7"'),
      /stdout has 7 where the answer to batch 0 should be; valid: one line/,
    ],
    [
      'answers in another order',
      () => program('order', '({ batch: batch ^ 1, advantages: rows })'),
      /stdout has \{"batch":1,.* where the answer to batch 0 should be/,
    ],
    [
      'NaN',
      () => program('nan', `'{"batch":' + batch + ',"advantages":[[NaN]]}'`),
      /the answer to batch 0 has NaN: .*valid: finite/,
    ],
    [
      'a row too few',
      () => program('rows', '({ batch, advantages: count === 2 ? rows.slice(1) : rows })'),
      /the answer to batch 2: advantages has 3 rows; valid: 4, one per trajectory/,
    ],
    [
      'no advantages',
      () => program('none', '({ batch })'),
      /the answer to batch 0: advantages is missing; valid: a list/,
    ],
    [
      'null for a number out of range',
      () => program('large', `'{"batch":' + batch + ',"advantages":[[1e999],[0],[0],[0]]}'`),
      /advantages\[0\]\[0\] is Infinity; valid/,
    ],
    [
      'silence',
      () => program('silent', 'count > 2 ? undefined : { batch, advantages: rows }'),
      /nothing came for 1.5 seconds and batch 3 has no answer/,
    ],
  ];
  it.each(cases)('%s', async (_, command, message) => {
    await expect(auditOf(await command(), { timeout: 1.5 })).rejects.toThrow(message);
    await expect(auditOf(await command(), { timeout: 1.5 })).rejects.toMatchObject({ name: 'InputError' });
  });

  it('a program that does not end is killed, with what it started', async () => {
    const file = join(folder, 'pids');
    const command = `sleep 1000 & echo $! > ${file}; cat > /dev/null; sleep 1000`;
    await expect(auditOf(command, { timeout: 1 })).rejects.toThrow('nothing came for 1 seconds');
    const pid = Number(await readFile(file, 'utf8'));
    for (let tries = 0; isAlive(pid) && tries < 100; tries++) await sleep(50);
    expect(isAlive(pid)).toBe(false);
  });

  it('an abort ends the wait', async () => {
    const controller = new AbortController();
    const running = auditOf('cat > /dev/null', {}, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('stop')), 300);
    await expect(running).rejects.toThrow('stop');
  });
});
