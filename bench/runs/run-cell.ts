import { InputError } from '../../core/errors.ts';
import type { Cell, CellResult, CodeFiles, NamedCell } from '../cell.ts';
import { createKeeper, readCellCheckpoint, removeCellCheckpoints } from './cell-checkpoints.ts';
import { claimCell, type HeldLock, readLock } from './cell-lock.ts';
import type { RunEvent } from './events.ts';
import type { Executor, Job } from './executor.ts';
import { describeError } from './protocol.ts';
import { type CellError, readCell, readFailure, removeCell, writeCell, writeFailure } from './storage.ts';

/** A cell that has to be computed. */
export interface Pending {
  readonly hash: string;
  readonly cell: NamedCell;
  /** When its failure was recorded, in milliseconds, where it had failed before this run. */
  readonly failedAt: number | undefined;
}

/** What the cells of a run share. */
export interface Running {
  readonly out: string;
  readonly checkpointSeconds: number;
  readonly keepTrees: boolean;
  readonly executor: Executor;
  readonly code: CodeFiles;
  readonly signal: AbortSignal;
  /** Results by cell hash. */
  readonly done: Map<string, CellResult | CellError>;
  /** Hashes of the cells of which a notice has said that another run computes them. */
  readonly waited: Set<string>;
  emit(event: RunEvent): void;
}

/** Why a group of cells cannot begin. */
export interface Unprepared {
  readonly error: CellError;
  /** Something that was given is wrong: none of the cells would fare better. */
  readonly isInput: boolean;
}

/** Has the starting weights of a cell's group made. Returns why that failed, if it did. */
export async function prepare(cell: NamedCell, running: Running): Promise<Unprepared | undefined> {
  const { executor, emit } = running;
  if (!executor.sharesCache) return undefined;
  emit({ type: 'prepare-start', cell });
  try {
    await execute('prepare', cell, running);
    return undefined;
  } catch (error) {
    return { error: describeError(error), isInput: error instanceof InputError };
  } finally {
    emit({ type: 'prepare-done', cell });
  }
}

/** Takes over what another run has found out about a cell since this one began. Returns whether it has. */
export async function adopt(
  { hash, cell, failedAt }: Pending,
  { out, done, emit }: Running,
): Promise<boolean> {
  const stored = await readCell(out, cell.cell);
  if (stored.status === 'finished') {
    done.set(hash, stored.result);
    emit({ type: 'cell-skipped', cell });
    return true;
  }
  const failure = await readFailure(out, hash);
  if (failure === undefined || failure.at.getTime() === failedAt) return false;
  done.set(hash, failure.error);
  emit({ type: 'cell-failed', cell, error: failure.error });
  return true;
}

/** Whether another run is computing a cell. Says so once. */
export async function isHeld({ hash, cell }: Pending, { out, waited, emit }: Running): Promise<boolean> {
  // A lock that cannot be read is met again, and reported, where the cell is claimed.
  const found = await readLock(out, hash).catch(() => undefined);
  if (found === undefined || found.isStale) return false;
  if (!waited.has(hash)) {
    waited.add(hash);
    emit({ type: 'notice', cell, message: `${found.by} computes it; its result is waited for` });
  }
  return true;
}

/**
 * Computes and stores a cell, unless another run does.
 * @returns false when another run is computing it. Failures are in `done`.
 */
export async function runPending(pending: Pending, running: Running): Promise<boolean> {
  const { hash, cell } = pending;
  const { out, emit } = running;
  try {
    const claim = await claimCell(out, hash);
    if (claim.status === 'held') return false;
    if (claim.from !== undefined) {
      emit({ type: 'notice', cell, message: `taken over from ${claim.from}, which has left it` });
    }
    try {
      if (!(await adopt(pending, running))) await compute(pending, claim.lock, running);
    } finally {
      await claim.lock.release();
    }
  } catch (error) {
    // A disk that is full or has gone costs the cell and not the others.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    await failCell(pending, storageError(error), running);
  }
  return true;
}

const storageError = (error: unknown): CellError => ({
  message: `it could not be stored: ${(error as Error).message}`,
  cause: 'machine',
});

async function compute(pending: Pending, lock: HeldLock, running: Running): Promise<void> {
  const { hash, cell } = pending;
  const { out, done, emit } = running;
  const before = await readCell(out, cell.cell);
  if (before.status === 'damaged') {
    const message = `stored result is damaged (${before.reason}); running it again`;
    emit({ type: 'notice', cell, message });
    await removeCell(out, cell.cell);
  }
  let result: CellResult | undefined;
  try {
    result = await runToTheEnd(pending, lock, running);
  } catch (error) {
    return failCell(pending, describeError(error), running);
  }
  try {
    await writeCell(out, cell.cell, result!);
  } catch (error) {
    // Rows that cannot be written are the cell's fault, a disk that cannot be written is not.
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
    return failCell(pending, describeError(error), running);
  }
  const stored = await readCell(out, cell.cell);
  if (stored.status !== 'finished') throw new Error(`a cell that was just stored is ${stored.status}`);
  // Checkpoints that cannot be removed do no harm: they are of this cell.
  await removeCellCheckpoints(out, hash).catch(() => {});
  running.executor.stored?.(cell.cell);
  done.set(hash, stored.result);
  emit({ type: 'cell-done', cell, result: stored.result });
}

/** Computes a cell, resuming from its last checkpoint, and stores the checkpoints that it sends. */
async function runToTheEnd(
  { hash, cell }: Pending,
  lock: HeldLock,
  running: Running,
): Promise<CellResult | undefined> {
  const { out, emit } = running;
  const notice = (message: string): void => emit({ type: 'notice', cell, message });
  const checkpoint = await readCellCheckpoint(out, hash, notice);
  const keeper = createKeeper(out, hash, notice);
  let stage = '';
  try {
    return await execute('run', cell, running, {
      ...(checkpoint === undefined ? {} : { checkpoint }),
      onProgress: (progress) => {
        stage = progress.stage;
        lock.setStage(stage);
      },
      onCheckpoint: (bytes) => keeper.save(bytes, stage),
    });
  } finally {
    await keeper.settle();
  }
}

/** The files of the sources that a cell names. */
function codeOf({ algorithm, environment, policy }: Cell, code: CodeFiles): CodeFiles {
  const sources = [algorithm, environment, policy].flatMap((choice) => choice.code?.source ?? []);
  return Object.fromEntries(sources.flatMap((source) => (source in code ? [[source, code[source]!]] : [])));
}

/** Has the executor do a task, with its progress as events. */
function execute(
  task: Job['task'],
  cell: NamedCell,
  { checkpointSeconds, keepTrees, executor, code, signal, emit }: Running,
  resuming: Partial<Pick<Job, 'checkpoint' | 'onProgress' | 'onCheckpoint'>> = {},
): Promise<CellResult | undefined> {
  const type = task === 'run' ? 'cell-progress' : 'prepare-progress';
  return executor.execute({
    task,
    cell: cell.cell,
    code: codeOf(cell.cell, code),
    checkpointSeconds,
    keepTrees,
    signal,
    onStart: (worker) => {
      if (task === 'run') emit({ type: 'cell-start', cell, ...(worker === undefined ? {} : { worker }) });
    },
    onCheckpoint: () => {},
    onNotice: (message) => emit({ type: 'notice', cell, message }),
    ...resuming,
    onProgress: (progress) => {
      resuming.onProgress?.(progress);
      emit({ type, cell, progress });
    },
  });
}

/** Records that a cell has failed. Where that cannot be stored, it is known until the run ends. */
export async function failCell({ hash, cell }: Pending, error: CellError, running: Running): Promise<void> {
  const { out, signal, done, emit } = running;
  // A worker that was stopped with the run has not failed.
  if (signal.aborted) return;
  try {
    await writeFailure(out, cell.cell, error);
  } catch (problem) {
    emit({
      type: 'notice',
      cell,
      message: `its failure could not be recorded: ${(problem as Error).message}`,
    });
  }
  done.set(hash, error);
  emit({ type: 'cell-failed', cell, error });
}
