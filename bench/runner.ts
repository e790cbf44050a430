import pLimit from 'p-limit';
import { InputError } from '../core/errors.ts';
import { type Cell, type CellProgress, type CellResult, CHECKPOINT_SECONDS } from './cell.ts';
import { createKeeper, readCellCheckpoint, removeCellCheckpoints } from './cell-checkpoints.ts';
import type { Executor, Job } from './executor.ts';
import { createLocalExecutor } from './local-executor.ts';
import { describeError, type WorkerRequest } from './protocol.ts';
import {
  type CellError,
  canonicalJson,
  cellHash,
  discardUnfinished,
  makeWritable,
  openOutput,
  readCell,
  removeCell,
  writeCell,
  writeFailure,
} from './storage.ts';

/** A cell and the name that its suite gives to its algorithm entry. */
export interface NamedCell {
  readonly name: string;
  readonly cell: Cell;
}

/** Where a run stands with a cell. `missing` means that the run was stopped before it. */
export type CellOutcome = NamedCell & { readonly hash: string } & (
    | { readonly status: 'finished'; readonly result: CellResult }
    | { readonly status: 'failed'; readonly error: CellError }
    | { readonly status: 'missing' }
  );

/** What happens while a suite runs. `cell-skipped` means finished by an earlier run. */
export type RunEvent =
  | { readonly type: 'prepare-start' | 'prepare-done'; readonly cell: NamedCell }
  | { readonly type: 'prepare-progress'; readonly cell: NamedCell; readonly progress: CellProgress }
  | { readonly type: 'cell-start' | 'cell-done' | 'cell-skipped'; readonly cell: NamedCell }
  | { readonly type: 'cell-progress'; readonly cell: NamedCell; readonly progress: CellProgress }
  | { readonly type: 'cell-failed'; readonly cell: NamedCell; readonly error: CellError }
  | { readonly type: 'notice'; readonly cell: NamedCell; readonly message: string };

export interface RunOptions {
  readonly cells: readonly NamedCell[];
  /** Output folder; created when absent. */
  readonly out: string;
  /** Worker processes at the same time, 1 to 256. The files do not depend on it. */
  readonly workers: number;
  /** Folder for caches that cells share (built graphs, warm starts). */
  readonly cacheDirectory: string;
  /** Stops the run: workers are ended, nothing half-written stays. */
  readonly signal?: AbortSignal;
  /** JavaScript file of the worker process. Default: bench/worker.js of the built package. */
  readonly worker?: string;
  /** Seconds between two checkpoints of a cell, at least 0; 0 is after every iteration. Default: 30. */
  readonly checkpointSeconds?: number;
  /** Where cells are computed. Default: `workers` processes of this machine. The caller closes it. */
  readonly executor?: Executor;
  onEvent?(event: RunEvent): void;
}

export interface RunSummary {
  /** One per cell, in the order of `cells`. */
  readonly outcomes: readonly CellOutcome[];
  /** True when `signal` stopped the run. */
  readonly interrupted: boolean;
}

/**
 * Runs cells in worker processes, one process per cell, and stores each as it ends. Cells that are finished on
 * disk are not run again; failed ones are recorded and do not stop the others.
 *
 * @throws InputError when `workers` is out of range, or `out` or `cacheDirectory` cannot be written.
 */
export async function runSuite(options: RunOptions): Promise<RunSummary> {
  const { cells, out, workers, cacheDirectory } = options;
  if (!Number.isInteger(workers) || workers < 1 || workers > 256) {
    throw new InputError(`--workers: ${workers} is not valid; valid: whole number from 1 to 256`);
  }
  await openOutput(out);
  await makeWritable('--cache', cacheDirectory);
  const done = new Map<string, CellResult | CellError>();
  const pending = await findPending(options, done);

  // An error of the runner itself (a full disk) stops the other cells like Ctrl-C does, and is thrown at the end.
  const trouble = new AbortController();
  const signal = AbortSignal.any([trouble.signal, ...(options.signal ? [options.signal] : [])]);
  const executor =
    options.executor ??
    createLocalExecutor({
      workers,
      cacheDirectory,
      ...(options.worker === undefined ? {} : { worker: options.worker }),
    });
  const limit = pLimit(executor.capacity);
  const job = <T>(work: () => Promise<T>): Promise<T | undefined> =>
    limit(async () => {
      if (signal.aborted) return undefined;
      try {
        return await work();
      } catch (error) {
        trouble.abort(error);
        return undefined;
      }
    });
  const jobs: Jobs = { options, executor, signal, done, job, emit: (event) => options.onEvent?.(event) };
  try {
    await Promise.all(groupCells(pending).map((group) => runGroup(group, jobs)));
  } finally {
    await discardUnfinished(out);
  }
  if (trouble.signal.aborted) throw trouble.signal.reason;
  return {
    interrupted: signal.aborted,
    outcomes: cells.map(({ name, cell }): CellOutcome => {
      const hash = cellHash(cell);
      const found = done.get(hash);
      if (found === undefined) return { name, cell, hash, status: 'missing' };
      if ('message' in found) return { name, cell, hash, status: 'failed', error: found };
      return { name, cell, hash, status: 'finished', result: found };
    }),
  };
}

/** The cells that have to be computed, each once: entries with different names may describe the same cell. */
async function findPending(
  { cells, out, onEvent }: RunOptions,
  done: Map<string, CellResult | CellError>,
): Promise<readonly Pending[]> {
  const seen = new Set<string>();
  const pending: Pending[] = [];
  for (const cell of cells) {
    const hash = cellHash(cell.cell);
    if (seen.has(hash)) continue;
    seen.add(hash);
    const stored = await readCell(out, cell.cell);
    if (stored.status === 'finished') {
      done.set(hash, stored.result);
      onEvent?.({ type: 'cell-skipped', cell });
      continue;
    }
    if (stored.status === 'damaged') {
      const message = `stored result is damaged (${stored.reason}); running it again`;
      onEvent?.({ type: 'notice', cell, message });
      await removeCell(out, cell.cell);
    }
    pending.push([hash, cell]);
  }
  return pending;
}

interface Jobs {
  readonly options: RunOptions;
  readonly executor: Executor;
  readonly signal: AbortSignal;
  /** Results by cell hash. */
  readonly done: Map<string, CellResult | CellError>;
  /** Does work as soon as a worker is free; nothing once the run has been stopped. */
  job<T>(work: () => Promise<T>): Promise<T | undefined>;
  emit(event: RunEvent): void;
}

/** Cells of a group share a warm start. One process makes it first, so that no two make it at once. */
async function runGroup(group: readonly Pending[], jobs: Jobs): Promise<void> {
  const { job, emit } = jobs;
  const first = group[0]![1];
  const problem = await job(async (): Promise<CellError | undefined> => {
    emit({ type: 'prepare-start', cell: first });
    try {
      await askWorker('prepare', first, jobs);
      return undefined;
    } catch (error) {
      return describeError(error);
    } finally {
      emit({ type: 'prepare-done', cell: first });
    }
  });
  if (problem === undefined) {
    await Promise.all(group.map((pending) => job(() => runPending(pending, jobs))));
  } else {
    for (const pending of group) await job(() => fail(pending, problem, jobs));
  }
}

async function runPending([hash, cell]: Pending, jobs: Jobs): Promise<void> {
  const { options, done, emit } = jobs;
  emit({ type: 'cell-start', cell });
  let result: CellResult | undefined;
  try {
    result = await runCell([hash, cell], jobs);
  } catch (error) {
    return fail([hash, cell], describeError(error), jobs);
  }
  try {
    await writeCell(options.out, cell.cell, result!);
  } catch (error) {
    // Rows that cannot be written are the cell's fault, a disk that cannot be written is not.
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
    return fail([hash, cell], describeError(error), jobs);
  }
  const stored = await readCell(options.out, cell.cell);
  if (stored.status !== 'finished') throw new Error(`a cell that was just stored is ${stored.status}`);
  await removeCellCheckpoints(options.out, hash);
  done.set(hash, stored.result);
  emit({ type: 'cell-done', cell });
}

/** Computes a cell, on from its last checkpoint, and keeps the checkpoints that it tells. */
async function runCell([hash, cell]: Pending, jobs: Jobs): Promise<CellResult | undefined> {
  const { out } = jobs.options;
  const notice = (message: string): void => jobs.emit({ type: 'notice', cell, message });
  const checkpoint = await readCellCheckpoint(out, hash, notice);
  const keeper = createKeeper(out, hash, notice);
  let stage = '';
  try {
    return await askWorker('run', cell, jobs, {
      ...(checkpoint === undefined ? {} : { checkpoint }),
      onProgress: (progress) => {
        stage = progress.stage;
      },
      onCheckpoint: (bytes) => keeper.save(bytes, stage),
    });
  } finally {
    await keeper.settle();
  }
}

async function fail([hash, cell]: Pending, error: CellError, jobs: Jobs): Promise<void> {
  // A worker that was stopped with the run has not failed.
  if (jobs.signal.aborted) return;
  await writeFailure(jobs.options.out, cell.cell, error);
  jobs.done.set(hash, error);
  jobs.emit({ type: 'cell-failed', cell, error });
}

type Pending = readonly [hash: string, cell: NamedCell];

/** Cells that start from the same weights, together. */
function groupCells(cells: readonly Pending[]): readonly Pending[][] {
  const groups = new Map<string, Pending[]>();
  for (const entry of cells) {
    const { environment, policy, warmStart, backend } = entry[1].cell;
    const key = canonicalJson({ environment, policy, warmStart, backend });
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()];
}

/** Has the executor do a task, with its progress as events. */
function askWorker(
  task: WorkerRequest['task'],
  cell: NamedCell,
  { options, executor, signal, emit }: Jobs,
  resuming: Partial<Pick<Job, 'checkpoint' | 'onProgress' | 'onCheckpoint'>> = {},
): Promise<CellResult | undefined> {
  const type = task === 'run' ? 'cell-progress' : 'prepare-progress';
  return executor.execute({
    task,
    cell: cell.cell,
    checkpointSeconds: options.checkpointSeconds ?? CHECKPOINT_SECONDS,
    signal,
    onCheckpoint: () => {},
    onNotice: (message) => emit({ type: 'notice', cell, message }),
    ...resuming,
    onProgress: (progress) => {
      resuming.onProgress?.(progress);
      emit({ type, cell, progress });
    },
  });
}
