import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageInfo } from '../core/package.ts';
import { callCreditbench } from './call.test-helper.ts';

const folder = mkdtempSync(join(tmpdir(), 'creditbench-golden-'));
afterAll(() => rmSync(folder, { recursive: true }));

const golden = (...args: string[]) => callCreditbench(folder, ['golden', ...args]);

describe('creditbench golden', () => {
  it('prints what it is of, then a tree per line, the same every time', async () => {
    const { code, stdout, stderr } = await golden('--algorithm', 'grpo', '--algorithm', 'carl');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [head, ...trees] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, object>);
    expect(head).toMatchObject({ format: 'creditbench-golden', creditbench: packageInfo().version });
    expect(Object.keys(head!.methods!)).toEqual(['grpo', 'carl']);
    expect(trees.length).toBe(50);
    expect((await golden('--algorithm', 'grpo', '--algorithm', 'carl')).stdout).toBe(stdout);
  });

  it('prints one document on request', async () => {
    const { stdout } = await golden('--algorithm', 'rloo', '--json');
    expect((JSON.parse(stdout) as { trees: readonly object[] }).trees.length).toBe(50);
  });

  it('refuses an unknown method and names those that there are', async () => {
    const { code, stdout, stderr } = await golden('--algorithm', 'grppo');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: --algorithm: unknown algorithm 'grppo'; valid: a2tgpo, /);
  });
});
