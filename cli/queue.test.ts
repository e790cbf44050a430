import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callCreditbench } from './call.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-queue-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('wrong queues end with exit code 2, one message and no password', () => {
  it.each([
    [
      'nothing listens there',
      ['--queue', 'redis://u:hunter2@127.0.0.1:1'],
      /redis:\/\/\*\*\*@127\.0\.0\.1:1\/0 cannot be used \(.*ECONNREFUSED/,
    ],
    [
      'another scheme',
      ['--queue', 'http://u:hunter2@h'],
      /--queue: 'http:\/\/…' is no address.*valid: redis:/,
    ],
    ['a port that is none', ['--queue=redis://u:hunter2@h:99999'], /--queue: 'redis:\/\/…' cannot be read/],
    ['a slip in the option', ['--queu=redis://u:hunter2@h'], /unknown option '--queu=redis:\/\/\*\*\*@h'/],
  ])('%s', async (_name, args, message) => {
    for (const command of [['worker'], ['run', 'tiny']]) {
      const { code, stdout, stderr } = await callCreditbench(folder, [...command, ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(message);
      expect(stderr).not.toContain('hunter2');
    }
  });

  it('and help tells the name of the variable, not what is in it', async () => {
    const { code, stdout } = await callCreditbench(folder, ['worker', '--help'], {
      CREDITBENCH_QUEUE: 'redis://u:hunter2@h',
    });
    expect(code).toBe(0);
    expect(stdout).toContain('env: CREDITBENCH_QUEUE');
    expect(stdout).not.toContain('hunter2');
    expect((await callCreditbench(folder, ['worker'])).stderr).toContain(
      '--queue: is missing; valid: redis://',
    );
  });
});
