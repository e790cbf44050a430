import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpointHead } from './cell-checkpoints.ts';
import { type FoundLock, readLock } from './cell-lock.ts';
import { countUnlisted, readSuiteFile } from './run-folder.ts';
import { cellFolder, readFailure, readStored } from './storage.ts';

/** A process, and the machine that it runs on. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
}

/** Where a cell stands. Times are ISO 8601, UTC. */
export type CellState =
  | { readonly status: 'finished' /** When it was stored. */; readonly at: string }
  | {
      readonly status: 'running';
      /** Null: not known. */
      readonly owner: Owner | null;
      /** When it was begun, or gone on with. Null: not known. */
      readonly since: string | null;
      /** Last heartbeat of its owner. */
      readonly at: string;
      /** How far it was then: 'iteration 3 of 30'. */
      readonly stage: string;
    }
  | {
      readonly status: 'failed';
      readonly at: string;
      readonly reason: string;
      /** 'machine': it was killed or could not be stored, and the same command goes on; 'cell': --retry-failed does. */
      readonly cause: 'cell' | 'machine';
    }
  | {
      readonly status: 'interrupted';
      /** When its progress was last recorded: in a checkpoint, or with its owner's last heartbeat. */
      readonly at: string;
      /** Where it goes on: 'iteration 3 of 30'. Empty: at the start. */
      readonly stage: string;
      /** Who abandoned it, if a lock still says so. */
      readonly owner: Owner | null;
    }
  | { readonly status: 'damaged'; readonly reason: string }
  | { readonly status: 'waiting' };

/** A cell as the suite names it, and where it stands. */
export type CellStatus = {
  readonly environment: string;
  readonly policy: string;
  readonly algorithm: string;
  readonly seed: number;
  /** First 16 digits of its hash: the name of its folder. */
  readonly cell: string;
} & CellState;

/** What there is to know of an output folder. */
export interface FolderStatus {
  /** Version of creditbench that wrote it. */
  readonly creditbench: string;
  /** Name of the suite. */
  readonly suite: string;
  /** Number of cells by status; all statuses are there. */
  readonly counts: Readonly<Record<CellState['status'], number>>;
  /** In the order of the suite. Entries of different names may be the same cell. */
  readonly cells: readonly CellStatus[];
  /** Number of finished cells that are in the folder and not in its suite.json: of other seeds, settings or code. */
  readonly unlisted: number;
}

/** Shown for what the version that wrote the folder did not record. */
const NOT_RECORDED = 'not recorded';

/**
 * Looks at every cell of an output folder, also while runs are writing it. Changes nothing.
 * @throws InputError when the folder is no output folder of `creditbench run`.
 */
export async function readStatus(out: string): Promise<FolderStatus> {
  const file = await readSuiteFile(out);
  const found: CellStatus[] = [];
  for (const { environment, policy = NOT_RECORDED, algorithm, seed, cell } of file.cells) {
    found.push({ environment, policy, algorithm, seed, cell, ...(await stateOf(out, cell)) });
  }
  const count = (status: CellState['status']): number => found.filter((one) => one.status === status).length;
  return {
    creditbench: file.creditbench ?? NOT_RECORDED,
    suite: typeof file.suite?.name === 'string' ? file.suite.name : NOT_RECORDED,
    counts: {
      finished: count('finished'),
      running: count('running'),
      failed: count('failed'),
      interrupted: count('interrupted'),
      damaged: count('damaged'),
      waiting: count('waiting'),
    },
    cells: found,
    unlisted: await countUnlisted(out, file),
  };
}

async function stateOf(out: string, hash: string): Promise<CellState> {
  const stored = await readStored(out, hash);
  if (stored.status === 'finished') {
    const { mtime } = await stat(join(cellFolder(out, hash), 'done.json'));
    return { status: 'finished', at: mtime.toISOString() };
  }
  let lock: FoundLock | undefined;
  try {
    lock = await readLock(out, hash);
  } catch (error) {
    return { status: 'damaged', reason: `its lock cannot be read: ${(error as Error).message}` };
  }
  const owner = lock?.owner === undefined ? null : { host: lock.owner.host, pid: lock.owner.pid };
  if (lock !== undefined && !lock.isStale) {
    const { since = null, stage = '' } = lock.owner ?? {};
    return { status: 'running', owner, since, at: lock.heartbeat.toISOString(), stage };
  }
  if (stored.status === 'damaged') return { status: 'damaged', reason: stored.reason };
  const failure = await readFailure(out, hash);
  if (failure !== undefined) {
    const { message, cause = 'cell' } = failure.error;
    return { status: 'failed', at: failure.at.toISOString(), reason: message, cause };
  }
  const checkpoint = await readCheckpointHead(out, hash);
  if (checkpoint !== undefined) {
    const { stage, at } = checkpoint;
    return { status: 'interrupted', at: at.toISOString(), stage, owner };
  }
  if (lock !== undefined)
    return { status: 'interrupted', at: lock.heartbeat.toISOString(), stage: '', owner };
  return { status: 'waiting' };
}
