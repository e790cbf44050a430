import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../core/random.ts';
import { type Ended, spawnCreditbench } from './spawn.test-helper.ts';

/** Four cells of 24 iterations, with weights of their own to keep for the critic. Seconds, most of them start-up. */
const SUITE = `
name: small
environments: [{ id: stop-or-search, policy: tabular }]
policy: tabular
algorithms: [grpo, ppo]
seeds: 2
training: { iterations: 24, questions: 8, evaluateEvery: 8, evaluationEpisodes: 200 }
warmStart: { steps: 0 }
`;

/** Two cells that need little room, and two that need more. */
const TWO_SIZES = `
name: sizes
environments:
  - { id: stop-or-search, policy: tabular }
  - { id: key-door, policy: tabular, training: { iterations: 80 } }
policy: tabular
algorithms: [grpo]
seeds: 2
training: { iterations: 4, questions: 4, evaluateEvery: 4, evaluationEpisodes: 10 }
warmStart: { steps: 0 }
`;

let folder: string;
let expected: Record<string, string>;
const run = (args: readonly string[], ...rest: readonly unknown[]): Promise<Ended> =>
  // biome-ignore lint/suspicious/noExplicitAny: the other parameters as they are
  (spawnCreditbench as any)(folder, ['run', ...args, '--cache', 'cache'], ...rest);
const status = (out: string): Promise<Ended> => spawnCreditbench(folder, ['status', out]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-cli-'));
  await writeFile(join(folder, 'small.yaml'), SUITE);
  await writeFile(join(folder, 'sizes.yaml'), TWO_SIZES);
  expect(await run(['small.yaml', '--out', 'whole', '--workers', '1'])).toMatchObject({ code: 0 });
  expected = await contents('whole');
});
afterAll(() => rm(folder, { recursive: true }));

/** Every file of an output folder but those with seconds in them, as text. */
async function contents(out: string): Promise<Record<string, string>> {
  const root = join(folder, out);
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const texts: Record<string, string> = {};
  for (const { name, parentPath } of files.filter((file) => file.isFile())) {
    if (name === 'timings.csv' || name === 'report.html') continue;
    const path = join(parentPath, name);
    texts[path.slice(root.length + 1)] = await readFile(path, 'utf8');
  }
  return texts;
}

const canSeeProcesses = existsSync('/proc/self/stat');

/** The worker processes of a run. */
function workersOf(pid: number): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return Number(parent) === pid && state !== 'Z' ? [Number(name)] : [];
    } catch {
      return []; // it has ended
    }
  });
}

const KILLS = 20;

// Elsewhere than on Linux a test cannot tell which process is a worker; there it is skipped, in CI never.
describe.skipIf(!canSeeProcesses && !process.env.CI)('killed at random moments', () => {
  it.each([1, 3])(`${KILLS} times, with %i workers: the same bytes`, async (workers) => {
    const random = createRandom(8).split('kills', workers);
    let kills = 0;
    let parents = 0;
    let resumed = 0;
    let takenOver = 0;
    let limit = KILLS;
    // When kills fall is up to the machine: where the first have shown too little, there are some more.
    const isShown = () => resumed > KILLS / 4 && parents > 0 && takenOver > 0;
    for (let out = 0; kills < limit; out++) {
      const name = `killed-${workers}-${out}`;
      for (let isDone = false; !isDone; ) {
        // Lines of output are progress: counted in them, moments are spread over the work and not over start-up.
        let wait = 1 + random.integer(8);
        const { code, stderr } = await run(
          ['small.yaml', '--out', name, '--workers', String(workers), '--checkpoint-seconds', '0'],
          (line: string, kill: (signal: NodeJS.Signals) => void, pid: number) => {
            if (kills >= limit || line === '' || --wait !== 0) return;
            wait = 1 + random.integer(8);
            const isParent = kills >= KILLS || random.integer(5) === 0;
            const which = random.integer(workers);
            setTimeout(() => {
              const found = workersOf(pid);
              const victim = found[which % found.length];
              if (victim === undefined || kills >= limit) return;
              if (isParent) kill('SIGKILL');
              else process.kill(victim, 'SIGKILL');
              kills++;
              if (isParent) parents++;
            }, random.integer(60));
          },
        );
        isDone = code === 0;
        expect([0, 1, null]).toContain(code);
        resumed += stderr.match(/goes on after iteration [1-9]/g)?.length ?? 0;
        takenOver += stderr.match(/taken over from process \d+ on /g)?.length ?? 0;
        expect(stderr).not.toContain('unexpected error');
      }
      expect(await contents(name)).toEqual(expected);
      if (kills >= limit && !isShown() && limit < 3 * KILLS) limit += 5;
    }
    // Otherwise nothing would have been shown.
    expect(resumed).toBeGreaterThan(KILLS / 4);
    expect(parents).toBeGreaterThan(0);
    expect(takenOver).toBeGreaterThan(0);
  });
});

describe('two runs in one folder', () => {
  it('share the work: every cell is computed once', async () => {
    const both = await Promise.all(
      [1, 2].map(() => run(['small.yaml', '--out', 'shared', '--workers', '1'])),
    );
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.flatMap(({ stderr }) => stderr.match(/\] start /g) ?? [])).toHaveLength(4);
    expect(await contents('shared')).toEqual(expected);
  });
});

describe('a disk that fills up', () => {
  it('costs the cells that found no room and no other; the same command finishes them', async () => {
    expect(await run(['sizes.yaml', '--out', 'sizes'])).toMatchObject({ code: 0 });
    const args = ['sizes.yaml', '--out', 'limited', '--workers', '1', '--checkpoint-seconds', '0'];
    // Blocks of 512 or of 1024 bytes: a cell of 80 iterations has more than 32 KiB, one of 4 far less than 16.
    const limited = await run(args, undefined, undefined, 'trap "" XFSZ; ulimit -f 32');
    expect(limited.code).toBe(1);
    expect(limited.stderr).toMatch(/FAILED {2}key-door\/v1 grpo seed 1: it could not be stored: EFBIG/);
    expect(limited.stderr.match(/its checkpoint could not be stored: EFBIG/g)).toHaveLength(2);
    expect(limited.stderr).toMatch(/FAILED {2}files could not be written: EFBIG/);
    expect((await status('limited')).stdout).toContain('4 cells: 2 finished, 2 failed\n');
    expect(Object.keys(await contents('limited')).filter((name) => name.includes('.tmp-'))).toEqual([]);
    const again = await run(args);
    expect(again.code).toBe(0);
    expect(again.stderr.match(/skip {4}/g)).toHaveLength(2);
    expect(again.stderr.match(/goes on after iteration [1-9]/g)).toHaveLength(2);
    expect(await contents('limited')).toEqual(await contents('sizes'));
  });

  it('loses no finished cell, on a file system without room', async ({ skip }) => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    const mount = (options: string): boolean =>
      spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk]).status === 0;
    // The limit on the size of files, above, is the same to a program, and can be had everywhere.
    if (!mount('size=260k')) return skip('needs the right to mount a tmpfs');
    try {
      const args = ['sizes.yaml', '--out', 'disk/out', '--workers', '1', '--checkpoint-seconds', '0'];
      const full = await run(args);
      expect(full.code).toBe(1);
      expect(full.stderr).toMatch(/ENOSPC/);
      expect((await status('disk/out')).stdout).toMatch(/ [1-3] finished, /);
      expect(Object.keys(await contents('disk/out')).filter((name) => name.includes('.tmp-'))).toEqual([]);
      const finished = full.stderr.match(/\] done /g)!.length;
      expect(mount('remount,size=16m')).toBe(true);
      const again = await run(args);
      expect(again.code).toBe(0);
      expect(again.stderr.match(/skip {4}/g)).toHaveLength(finished);
      await cp(join(disk, 'out'), join(folder, 'from-disk'), { recursive: true });
      expect(await contents('from-disk')).toEqual(await contents('sizes'));
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});
