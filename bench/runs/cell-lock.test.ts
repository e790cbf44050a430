import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lifeOf, ownIdentity, startOf } from '../../core/process-identity.ts';
import { claimCell, type LockOwner, putAside, readLock, STALE_SECONDS } from './cell-lock.ts';

let out: string;
let count = 0;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  out = join(folder, String(count++));
  await mkdir(join(out, 'cells'), { recursive: true });
});

const HASH = 'ab'.repeat(32);
const file = () => join(out, 'cells', `${HASH.slice(0, 16)}.lock`);

/** A lock that somebody else has written, so many seconds ago. */
async function foreign(change: Partial<LockOwner>, age = 0): Promise<void> {
  const owner = { ...ownIdentity(), token: 'theirs', since: '2026-01-01T00:00:00Z', stage: '', ...change };
  await writeFile(file(), JSON.stringify(owner).padEnd(1023));
  const then = Date.now() / 1000 - age;
  await utimes(file(), then, then);
}

/** The number of a process that has ended. */
const ended = (): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    child.on('close', () => resolve(child.pid!));
  });

describe('the lock of a cell', () => {
  it('is held until it is released, by one of many that ask at once', async () => {
    const claims = await Promise.all(Array.from({ length: 20 }, () => claimCell(out, HASH)));
    const won = claims.filter((claim) => claim.status === 'claimed');
    expect(won).toHaveLength(1);
    expect(await readLock(out, HASH)).toMatchObject({
      isStale: false,
      owner: ownIdentity(),
      by: `process ${process.pid} on ${ownIdentity().host}`,
    });
    if (won[0]!.status === 'claimed') await won[0]!.lock.release();
    expect(await readdir(join(out, 'cells'))).toEqual([]);
    expect(await claimCell(out, HASH)).toMatchObject({ status: 'claimed' });
  });

  const cases: [string, () => Partial<LockOwner> | Promise<Partial<LockOwner>>, number, boolean][] = [
    ['a process that runs', () => ({ pid: process.ppid, started: startOf(process.ppid) }), 9e5, false],
    ['a process that has ended', async () => ({ pid: await ended() }), 0, true],
    ['another process that had the same number', () => ({ started: '1' }), 0, true],
    ['another machine, alive', () => ({ host: 'elsewhere', pid: 999_999_999 }), STALE_SECONDS - 60, false],
    ['another machine, silent', () => ({ host: 'elsewhere' }), STALE_SECONDS + 60, true],
    ['another container, alive', () => ({ space: '12', pid: 999_999_999 }), 0, false],
  ];
  // Elsewhere than on Linux it is not known when a process started, so signs of life decide.
  const known = cases.slice(process.platform === 'linux' ? 0 : 3);
  it.each(known)('of %s', async (_, change, age, isStale) => {
    await foreign(await change(), age);
    expect(await readLock(out, HASH)).toMatchObject({ isStale });
    const from = expect.stringMatching(/^process \d+ on /);
    expect(await claimCell(out, HASH)).toMatchObject(
      isStale ? { status: 'claimed', from } : { status: 'held' },
    );
    expect((await readFile(file(), 'utf8')).includes('theirs')).toBe(!isStale);
    expect(await readdir(join(out, 'cells'))).toHaveLength(1);
  });

  it('that was left behind is taken over by one of many that ask at once', async () => {
    for (let round = 0; round < 20; round++) {
      await foreign({ host: 'elsewhere' }, STALE_SECONDS + 60);
      const claims = await Promise.all(Array.from({ length: 2 }, () => claimCell(out, HASH)));
      const won = claims.flatMap((claim) => (claim.status === 'claimed' ? [claim.lock] : []));
      expect(won).toHaveLength(1);
      await won[0]!.release();
      expect(await readdir(join(out, 'cells'))).toEqual([]);
    }
  });

  it('is given back by who found another one left behind, and took this one for it', async () => {
    await foreign({ token: 'of a faster one' });
    expect(await putAside(file(), 'of who had left it')).toBe(false);
    expect(await readFile(file(), 'utf8')).toContain('of a faster one');
    expect(await putAside(file(), 'of a faster one')).toBe(true);
    expect(await putAside(file(), 'of a faster one')).toBe(false);
    expect(await readdir(join(out, 'cells'))).toEqual([]);
  });

  it('that cannot be read counts by its age', async () => {
    await writeFile(file(), '');
    expect(await claimCell(out, HASH)).toEqual({ status: 'held' });
    await utimes(file(), 1e9, 1e9);
    expect(await claimCell(out, HASH)).toMatchObject({
      status: 'claimed',
      from: 'a process that is not known',
    });
  });

  it('is not removed by an owner who has lost it', async () => {
    const claim = await claimCell(out, HASH);
    await foreign({});
    if (claim.status === 'claimed') await claim.lock.release();
    expect(await readFile(file(), 'utf8')).toContain('theirs');
  });
});

describe('lifeOf', () => {
  it('knows this process', () => {
    expect(lifeOf(ownIdentity())).toBe(process.platform === 'linux' ? 'alive' : 'unknown');
  });
});
