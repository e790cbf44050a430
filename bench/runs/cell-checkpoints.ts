import { rename, rm, stat } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { MAX_BYTES } from '../../core/bounded-file.ts';
import { type FrameKind, readFramedFile, readFramedHead, writeFramed } from '../framed.ts';
import { cellFolder } from './storage.ts';

/** Where a cell's checkpoints lie, the newest first. */
export function checkpointPaths(out: string, hash: string): readonly [string, string] {
  const newest = `${cellFolder(out, hash)}.checkpoint`;
  return [newest, `${newest}.old`];
}

const headSchema = z.object({ hash: z.string(), stage: z.string() });

/** What the first line of a checkpoint file says. */
export type CheckpointHead = z.infer<typeof headSchema>;

const CHECKPOINT: FrameKind<CheckpointHead> = { what: 'checkpoint', schema: headSchema, most: MAX_BYTES };

/** The first line is not longer than this, in bytes. */
const HEAD_SIZE = 2048;

/**
 * The newest checkpoint of a cell that is whole and of this very cell and code.
 * @param onNotice called for each file that is there but cannot be used.
 */
export async function readCellCheckpoint(
  out: string,
  hash: string,
  onNotice: (message: string) => void,
): Promise<Uint8Array | undefined> {
  for (const path of checkpointPaths(out, hash)) {
    try {
      // The whole file is only read if its first line fits.
      if ((await readFramedHead(CHECKPOINT, path, HEAD_SIZE)).hash !== hash) {
        throw new Error('it is of another cell');
      }
      return (await readFramedFile(CHECKPOINT, path)).payload;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      onNotice(`the checkpoint ${path} is not used: ${(error as Error).message}`);
    }
  }
  return undefined;
}

/** The first line of the newest checkpoint that has a valid one, and when it was written. The rest is not read. */
export async function readCheckpointHead(
  out: string,
  hash: string,
): Promise<(CheckpointHead & { readonly at: Date }) | undefined> {
  for (const path of checkpointPaths(out, hash)) {
    try {
      return { ...(await readFramedHead(CHECKPOINT, path, HEAD_SIZE)), at: (await stat(path)).mtime };
    } catch {
      // There is no such file, or it is not a checkpoint.
    }
  }
  return undefined;
}

/** Keeps the checkpoints of a running cell. */
export interface CheckpointKeeper {
  /** Stores a checkpoint. If several arrive while one is being written, only the last of them is stored. Never throws. */
  save(bytes: Uint8Array, stage: string): void;
  /** Resolves when nothing is being written. */
  settle(): Promise<void>;
}

/**
 * Keeps the last two checkpoints of a cell on disk.
 * @param onNotice called once if they cannot be written: a full disk costs the checkpoint, not the cell.
 */
export function createKeeper(
  out: string,
  hash: string,
  onNotice: (message: string) => void,
): CheckpointKeeper {
  let next: { readonly bytes: Uint8Array; readonly stage: string } | undefined;
  let writing: Promise<void> | undefined;
  let hasFailed = false;
  const work = async (): Promise<void> => {
    while (next !== undefined) {
      const { bytes, stage } = next;
      next = undefined;
      try {
        await store(out, hash, bytes, stage);
      } catch (error) {
        if (!hasFailed) onNotice(`its checkpoint could not be stored: ${(error as Error).message}`);
        hasFailed = true;
      }
    }
    writing = undefined;
  };
  return {
    save: (bytes, stage) => {
      next = { bytes, stage };
      writing ??= work();
    },
    settle: async () => writing,
  };
}

async function store(out: string, hash: string, bytes: Uint8Array, stage: string): Promise<void> {
  const [newest, old] = checkpointPaths(out, hash);
  const file = writeFramed(CHECKPOINT, { hash, stage: stage.slice(0, 200) }, [bytes]);
  await rename(newest, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await writeFileAtomic(newest, file);
}

/** Removes the checkpoints of a cell: it is finished. */
export async function removeCellCheckpoints(out: string, hash: string): Promise<void> {
  for (const path of checkpointPaths(out, hash)) await rm(path, { force: true });
}
