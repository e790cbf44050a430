import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { z } from 'zod';
import { temporaryName } from '../../core/atomic-file.ts';
import { readBoundedText } from '../../core/bounded-file.ts';
import { identitySchema, lifeOf, ownIdentity } from '../../core/process-identity.ts';
import { cellFolder } from './storage.ts';

/** Seconds between two heartbeats of a lock. */
const HEARTBEAT_SECONDS = 15;
/** If its owner cannot be seen from here, a lock counts as abandoned after so many seconds without a heartbeat. */
export const STALE_SECONDS = 300;
/** Bytes of a lock file: always the same, so that a heartbeat overwrites the one before. */
const SIZE = 1024;

const ownerSchema = z.object({
  ...identitySchema.shape,
  /** Unique to this lock. */
  token: z.string(),
  /** When it was taken, ISO 8601. */
  since: z.string(),
  /** How far the cell is: 'iteration 3 of 30'. */
  stage: z.string(),
});

/** Who computes a cell. */
export type LockOwner = z.infer<typeof ownerSchema>;

/** A lock as found. */
export interface FoundLock {
  /** Absent: it cannot be read, because its owner is writing it right now or the disk was full. */
  readonly owner: LockOwner | undefined;
  /** The owner in words: 'process 123 on node-4'. */
  readonly by: string;
  /** Last heartbeat, by the clock of the file system. */
  readonly heartbeat: Date;
  /** Whether the owner has abandoned it. */
  readonly isStale: boolean;
}

/** A lock that this process holds. */
export interface HeldLock {
  /** Written with the next heartbeat. */
  setStage(stage: string): void;
  /** Never throws: a lock that cannot be removed is left behind when this process ends. */
  release(): Promise<void>;
}

export type Claim =
  | {
      readonly status: 'claimed';
      readonly lock: HeldLock /** Who had left it behind. */;
      readonly from?: string;
    }
  | { readonly status: 'held' };

const lockFile = (out: string, hash: string): string => `${cellFolder(out, hash)}.lock`;

function describeOwner(owner: LockOwner | undefined): string {
  return owner === undefined ? 'a process that is not known' : `process ${owner.pid} on ${owner.host}`;
}

/** The lock of a cell; nothing if it has none. Errors are those of the file system. */
export async function readLock(out: string, hash: string): Promise<FoundLock | undefined> {
  const file = lockFile(out, hash);
  try {
    const { mtime } = await stat(file);
    const owner = await readOwner(file);
    const life = owner === undefined ? 'unknown' : lifeOf(owner);
    const age = (Date.now() - mtime.getTime()) / 1000;
    return {
      owner,
      by: describeOwner(owner),
      heartbeat: mtime,
      isStale: life === 'ended' || (life === 'unknown' && age > STALE_SECONDS),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The owner that a lock file names; undefined if it is not a whole lock file. */
async function readOwner(file: string): Promise<LockOwner | undefined> {
  try {
    return ownerSchema.safeParse(JSON.parse(await readBoundedText(file, 16 * SIZE))).data;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
    return undefined;
  }
}

/**
 * Takes the lock of a cell, also an abandoned one. In one race two runs can both believe that they hold it: one moves
 * away a lock that is not abandoned any more, and a third takes the lock before it is put back. They then compute the
 * same bytes twice.
 * @throws the file system's error if locks cannot be written.
 */
export async function claimCell(out: string, hash: string): Promise<Claim> {
  let from: string | undefined;
  for (;;) {
    const lock = await create(lockFile(out, hash));
    if (lock !== undefined) return { status: 'claimed', lock, ...(from === undefined ? {} : { from }) };
    const found = await readLock(out, hash);
    if (found === undefined) continue; // released meanwhile
    if (!found.isStale) return { status: 'held' };
    if (await putAside(lockFile(out, hash), found.owner?.token)) from = found.by;
  }
}

/** Creates a lock; undefined if there is one already. */
async function create(file: string): Promise<HeldLock | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
  const token = randomUUID();
  const since = new Date().toISOString();
  let stage = '';
  const beat = async (): Promise<void> => {
    const owner: LockOwner = { ...ownIdentity(), token, since, stage };
    await handle.write(`${JSON.stringify(owner).padEnd(SIZE - 1)}\n`, 0);
  };
  try {
    await beat();
  } catch (error) {
    await handle.close();
    await rm(file, { force: true });
    throw error;
  }
  let beating = Promise.resolve();
  const timer = setInterval(() => {
    // A heartbeat that cannot be written is no reason to stop: at worst another run computes the same.
    beating = beating.then(beat).catch(() => {});
  }, HEARTBEAT_SECONDS * 1000);
  timer.unref();
  return {
    setStage: (text) => {
      stage = text.slice(0, 200);
    },
    release: async () => {
      clearInterval(timer);
      await beating;
      try {
        await handle.close();
        if ((await readOwner(file))?.token === token) await rm(file);
      } catch {
        // Taken over, or the disk has gone.
      }
    },
  };
}

/** Removes an abandoned lock, unless another run was faster and the lock is now its own. */
export async function putAside(file: string, token: string | undefined): Promise<boolean> {
  const aside = temporaryName(`${file}.${randomUUID()}`);
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  const isIt = (await readOwner(aside))?.token === token;
  if (isIt) await rm(aside, { recursive: true });
  else await rename(aside, file);
  return isIt;
}
