import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { packageInfo } from '../core/package.ts';
import { createRandom } from '../core/random.ts';

const MAIN = join(packageInfo().root, 'dist', 'cli', 'main.js');
const folder = mkdtempSync(join(tmpdir(), 'creditbench-credit-memory-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [GROUP, TOKENS] = [8, 2000];

/** Groups of eight rollouts of 2,000 tokens, with log-probabilities and entropies. */
async function made(groups: number): Promise<string> {
  const path = join(folder, `${groups}.jsonl`);
  const random = createRandom(groups);
  // The numbers of all rollouts are the same: making them takes longer than reading them.
  const tokens = Array.from({ length: TOKENS }, () => random.integer(32_000));
  const numbers = Array.from({ length: TOKENS }, () => Number(random.uniform().toFixed(6)));
  const turn = { tokens, logprobs: numbers.map((value) => -value), entropies: numbers };
  const file = await open(path, 'w');
  for (let index = 0; index < groups * GROUP; index++) {
    const one = {
      format: 'creditbench-trajectory',
      version: 1,
      group: `q${Math.floor(index / GROUP)}`,
      id: `${index}`,
    };
    await file.appendFile(`${JSON.stringify({ ...one, turns: [turn], reward: random.integer(2) })}\n`);
  }
  await file.close();
  return path;
}

/** Runs the command with a small heap. @returns the most memory that it had, in MiB, as the kernel counts it. */
function credited(path: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const script = `
      process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + '\\n'));
      process.argv.splice(1, 0, ${JSON.stringify(MAIN)});
      await import(${JSON.stringify(MAIN)});`;
    const child = spawn(
      process.execPath,
      ['--max-old-space-size=256', '--input-type=module', '-e', script, 'credit', path, ...args],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const peak = /peak (\d+)/.exec(said)?.[1];
      if (code === 0 && peak !== undefined) resolve(Number(peak) / 1024);
      else reject(new Error(`exit code ${code}: ${said}`));
    });
  });
}

async function lines(path: string): Promise<number> {
  let count = 0;
  for await (const line of createInterface(createReadStream(path))) if (line !== '') count++;
  return count;
}

describe('creditbench credit on a file that is larger than its memory', () => {
  it.each([
    ['jsonl', 'grpo,carl,tao-rl'],
    ['parquet', 'grpo,tao-rl'],
  ])('takes as much memory for seven times as many rollouts: %s', async (kind, methods) => {
    const args = ['--algorithm', methods, '--questions', '16'];
    const peaks: number[] = [];
    for (const groups of [100, 700]) {
      const path = await made(groups);
      const out = join(folder, `credit.${kind}`);
      peaks.push(await credited(path, [...args, '--out', out]));
      if (kind === 'jsonl') expect(await lines(out)).toBe(groups * GROUP);
      // Far more than the heap has room for once it is parsed: 11 million tokens with two numbers each.
      if (groups === 700) expect(statSync(path).size).toBeGreaterThan(240 * 2 ** 20);
    }
    // The heap of both is full of garbage up to its limit: what may differ is how full.
    expect(peaks[1]!).toBeLessThan(peaks[0]! + 100);
    expect(peaks[1]!).toBeLessThan(500);
  });

  it('says so if the rollouts of a question are too far apart, before it runs out of memory', async () => {
    const path = await made(400);
    const sorted = await open(path);
    const all = (await sorted.readFile('utf8')).trimEnd().split('\n');
    await sorted.close();
    const apart = join(folder, 'apart.jsonl');
    const file = await open(apart, 'w');
    for (let member = 0; member < GROUP; member++) {
      for (let group = 0; group < 400; group++) await file.appendFile(`${all[group * GROUP + member]}\n`);
    }
    await file.close();
    await expect(credited(apart, ['--algorithm', 'grpo', '--hold', '100'])).rejects.toThrow(
      /exit code 2: error: .*group 'q0' has 8 trajectories, from line 1 to line 2801, and is held until it is complete/,
    );
  });
});
