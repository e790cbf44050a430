import { setTimeout } from 'node:timers/promises';
import pLimit from 'p-limit';
import { makeWritable } from '../../core/atomic-file.ts';
import { InputError } from '../../core/errors.ts';
import { type CellResult, CHECKPOINT_SECONDS, type CodeFiles, type NamedCell } from '../cell.ts';
import { cellHash } from '../identity.ts';
import type { Suite } from '../suites/suite.ts';
import { startingKey } from '../training/starting-point.ts';
import type { RunEvent } from './events.ts';
import type { Executor } from './executor.ts';
import { createLocalExecutor } from './local-executor.ts';
import { type CellOutcome, writeResultFiles } from './result-files.ts';
import {
  adopt,
  failCell,
  isHeld,
  type Pending,
  prepare,
  type Running,
  runPending,
  type Unprepared,
} from './run-cell.ts';
import { type CellError, openOutput, readCell, readFailure } from './storage.ts';

export interface RunOptions {
  readonly cells: readonly NamedCell[];
  /** The suite that the cells are of, for suite.json: reports show its settings. Default: reports have none to show. */
  readonly suite?: Suite;
  /** Output folder; created when absent. */
  readonly out: string;
  /** Worker processes at the same time, 1 to 256. The files do not depend on it. */
  readonly workers: number;
  /** Folder for caches that cells share (built graphs, warm starts). */
  readonly cacheDirectory: string;
  /** Stops the run: workers are ended, nothing half-written stays. */
  readonly signal?: AbortSignal;
  /** Where users' own code lies that cells name. Default: none is named. */
  readonly code?: CodeFiles;
  /** JavaScript file of the worker process. Default: cli/cell-worker.js of the built package. */
  readonly worker?: string;
  /** Seconds between two checkpoints of a cell, at least 0; 0 is after every iteration. Default: 30. */
  readonly checkpointSeconds?: number;
  /**
   * Keeps some rollouts of each cell's last iteration in its folder, for pages of trees. Changes nothing else; cells that are
   * finished on disk are not run again for it. Default: false.
   */
  readonly keepTrees?: boolean;
  /** Where cells are computed. Default: `workers` processes of this machine. The caller closes it. */
  readonly executor?: Executor;
  /** Also runs cells that have failed before. Default: false. */
  readonly retryFailed?: boolean;
  onEvent?(event: RunEvent): void;
}

export interface RunSummary {
  /** One per cell, in the order of `cells`. */
  readonly outcomes: readonly CellOutcome[];
  /** True when `signal` stopped the run. */
  readonly interrupted: boolean;
  /** Why suite.json, metrics.csv or timings.csv could not be written; undefined if they were. Cells do not depend on it. */
  readonly unwritten: string | undefined;
}

/** Seconds between two checks of cells that other runs compute. */
const LOOK_SECONDS = 1;

/**
 * Runs cells, each in a process of its own, and stores each as it ends. Cells that are finished on disk are not run
 * again; interrupted ones go on from their last checkpoint; failed ones are recorded and do not stop the others. Cells
 * that another run in the same folder computes are left to it, and waited for. The folder is one that `creditbench
 * report`, `compare`, `power` and `status` read (`readResults`, `readStatus`), from the beginning of the run on.
 *
 * @throws InputError when `workers` or `checkpointSeconds` is out of range, `out` or `cacheDirectory` cannot be
 *   written, or what was given lets no cell at all begin.
 */
export async function runSuite(options: RunOptions): Promise<RunSummary> {
  const { cells, out, workers, cacheDirectory, checkpointSeconds = CHECKPOINT_SECONDS } = options;
  if (!Number.isInteger(workers) || workers < 1 || workers > 256) {
    throw new InputError(`--workers: ${workers} is not valid; valid: whole number from 1 to 256`);
  }
  if (!(checkpointSeconds >= 0)) {
    throw new InputError(`--checkpoint-seconds: ${checkpointSeconds} is not valid; valid: at least 0`);
  }
  await openOutput(out);
  await makeWritable('--cache', cacheDirectory);
  const done = new Map<string, CellResult | CellError>();
  const outcomes = (): CellOutcome[] =>
    cells.map(({ name, cell }): CellOutcome => {
      const hash = cellHash(cell);
      const found = done.get(hash);
      if (found === undefined) return { name, cell, hash, status: 'missing' };
      if ('message' in found) return { name, cell, hash, status: 'failed', error: found };
      return { name, cell, hash, status: 'finished', result: found };
    });
  const pending = await findPending(options, done);
  const write = () => tryToWrite(() => writeResultFiles(out, options.suite, outcomes()));
  // What cannot be written now is tried again at the end.
  await write();

  // An error of the runner itself stops the other cells like Ctrl-C does, and is thrown at the end.
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
  const emit = (event: RunEvent): void => options.onEvent?.(event);
  const { code = {}, keepTrees = false } = options;
  const running = {
    out,
    checkpointSeconds,
    keepTrees,
    executor,
    code,
    signal,
    done,
    emit,
    waited: new Set<string>(),
  };
  const refused: Refused[] = [];
  const jobs: Jobs = { ...running, job, prepared: new Map(), refused };
  for (let rest = pending; rest.length > 0 && !signal.aborted; ) {
    const held = await Promise.all(groupCells(rest).map((group) => runGroup(group, jobs)));
    rest = held.flat();
    if (rest.length > 0) await pause(LOOK_SECONDS, signal);
  }
  if (trouble.signal.aborted) throw trouble.signal.reason;
  // If nothing at all could begin, the caller gets the reason, and nothing is recorded.
  if (refused.length > 0 && refused.length === pending.length && done.size === 0) {
    throw new InputError([...new Set(refused.map(({ error }) => error.message))].join('\n'));
  }
  for (const { pending: one, error } of refused) await failCell(one, error, jobs);
  return { interrupted: signal.aborted, outcomes: outcomes(), unwritten: await write() };
}

/** Writes files. @returns why they could not be written: a disk that fills up costs files, not what was learned. */
async function tryToWrite(write: () => Promise<void>): Promise<string | undefined> {
  try {
    await write();
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return (error as Error).message;
  }
}

/**
 * The cells that have to be computed, each once: entries with different names may describe the same cell. By seed first,
 * so that a run that has just begun, or is stopped, says something about every algorithm.
 */
async function findPending(
  { cells, out, retryFailed = false, onEvent }: RunOptions,
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
    const failure = await readFailure(out, hash);
    if (failure !== undefined && failure.error.cause === undefined && !retryFailed) {
      done.set(hash, failure.error);
      onEvent?.({ type: 'cell-left', cell, error: failure.error });
      continue;
    }
    pending.push({ hash, cell, failedAt: failure?.at.getTime() });
  }
  return pending.sort((a, b) => a.cell.cell.seed - b.cell.cell.seed);
}

interface Refused {
  readonly pending: Pending;
  readonly error: CellError;
}

interface Jobs extends Running {
  /** Does work as soon as a worker is free; nothing once the run has been stopped. */
  job<T>(work: () => Promise<T>): Promise<T | undefined>;
  /** Why the starting weights of a group could not be made, by group; nothing if they could. */
  readonly prepared: Map<string, Promise<Unprepared | undefined>>;
  /** Cells that could not begin because something given is wrong. */
  readonly refused: Refused[];
}

/**
 * Cells of a group share a warm start. One process makes it first, so that no two make it at once.
 * @returns those that other runs are computing.
 */
async function runGroup([key, group]: Group, jobs: Jobs): Promise<readonly Pending[]> {
  const { job, prepared } = jobs;
  const held: Pending[] = [];
  const open: Pending[] = [];
  for (const pending of group) {
    if (await adopt(pending, jobs)) continue;
    ((await isHeld(pending, jobs)) ? held : open).push(pending);
  }
  if (open.length === 0) return held;
  const preparing = prepared.get(key) ?? job(() => prepare(open[0]!.cell, jobs));
  prepared.set(key, preparing);
  const problem = await preparing;
  const run = async (pending: Pending): Promise<void> => {
    if (problem?.isInput) jobs.refused.push({ pending, error: problem.error });
    else if (problem !== undefined) await failCell(pending, problem.error, jobs);
    else if (!(await runPending(pending, jobs))) held.push(pending);
  };
  await Promise.all(open.map((pending) => job(() => run(pending))));
  return held;
}

type Group = readonly [key: string, cells: readonly Pending[]];

/** Cells that start from the same weights, together. */
function groupCells(cells: readonly Pending[]): readonly Group[] {
  const groups = new Map<string, Pending[]>();
  for (const pending of cells) {
    const key = startingKey(pending.cell.cell);
    groups.set(key, [...(groups.get(key) ?? []), pending]);
  }
  return [...groups];
}

/** Resolves after so many seconds, or when the signal is aborted. */
const pause = (seconds: number, signal: AbortSignal): Promise<void> =>
  setTimeout(seconds * 1000, undefined, { signal }).catch(() => {});
