import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Job } from 'bullmq';
import { InputError, MachineError } from '../../../core/errors.ts';
import type { Cell, CellProgress, CellResult } from '../../cell.ts';
import { cellHash } from '../../identity.ts';
import { startingKey } from '../../training/starting-point.ts';
import type { Executor } from '../executor.ts';
import { describeError } from '../protocol.ts';
import type { CellError } from '../storage.ts';
import { keepCheckpoints } from './checkpoints.ts';
import type { QueueConnection } from './connection.ts';
import { extendLease, type Lease } from './lease.ts';
import { type JobData, type JobEvent, KEPT_SECONDS, names } from './names.ts';
import { writeResult } from './result-text.ts';

/** Milliseconds between two reports of progress. */
const PROGRESS = 1000;

/** Why work on a job ends before its time. */
export type Ending = 'shutdown' | 'withdrawn' | 'lost';

/** What the jobs of a worker share. */
export interface JobContext {
  readonly connection: QueueConnection;
  /** Computes, on this machine. */
  readonly executor: Executor;
  /** Fingerprint of the code. */
  readonly code: string;
  /** Host name and process id. */
  readonly where: string;
  /** Milliseconds for which a job stays this worker's without a heartbeat. */
  readonly lostAfter: number;
  /** Ends everything. */
  readonly shutdown: AbortSignal;
  /** Preparations, by starting point: made once, before the first cell that needs it. */
  readonly prepared: Map<string, Promise<unknown>>;
  /** Stops this worker: it would compute other numbers than the rest. */
  refuse(message: string): void;
}

/** How work on a job ended. `retry`: the machine may be at fault. */
export type JobEnd =
  | { readonly type: 'done' }
  | { readonly type: 'ended'; readonly why: Ending }
  | { readonly type: 'failed'; readonly error: CellError; readonly retry: boolean };

/** Computes a job's cell, on from its last checkpoint, and leaves the result in Redis. */
export async function computeJob(
  job: Job<JobData>,
  lease: Lease,
  context: JobContext,
  signal: AbortSignal,
): Promise<JobEnd> {
  const { client } = context.connection;
  const { cell, code, checkpointSeconds, keepTrees = false } = job.data;
  const hash = lease.id;
  const tell = (told: JobEvent): void => {
    // A job that is no longer there needs no progress.
    job.updateProgress({ ...told, worker: context.where }).catch(() => {});
  };
  try {
    if (cellHash(cell, context.code) !== hash)
      throw new Error('the cell in the queue is not the one that its name says');
    // Left by a worker that lost its lease when it was done.
    if ((await client.exists(names.result(hash))) === 1) return { type: 'done' };
    tell({ type: 'start' });
    const onNotice = (message: string): void => tell({ type: 'notice', message });
    const onProgress = atMostEvery(PROGRESS, (progress: CellProgress) =>
      tell({ type: 'progress', progress }),
    );
    await orAborted(prepare({ cell, code }, context, { onNotice, onProgress }), signal);
    const checkpoint = await client.getBuffer(names.checkpoint(hash));
    const checkpoints = keepCheckpoints(client, lease, onNotice);
    let comparison: Promise<void> | undefined;
    let result: CellResult | undefined;
    try {
      result = await context.executor.execute({
        task: 'run',
        cell,
        code,
        checkpointSeconds,
        keepTrees,
        ...(checkpoint === null ? {} : { checkpoint }),
        signal,
        onStart: () => {},
        onProgress,
        onNotice,
        onCheckpoint: checkpoints.save,
        onStartingPoint: (sha256) => {
          comparison = compareStart(cell, sha256, context);
          comparison.catch(() => {}); // thrown where it is awaited
        },
      });
    } finally {
      await checkpoints.settle();
      await comparison;
    }
    signal.throwIfAborted();
    await client.set(names.result(hash), writeResult(result!), 'EX', KEPT_SECONDS);
    // A lock that ran out while the server was away would leave the job to be done again.
    return (await extendLease(client, lease, context.lostAfter))
      ? { type: 'done' }
      : { type: 'ended', why: 'lost' };
  } catch (error) {
    if (signal.aborted) return { type: 'ended', why: signal.reason as Ending };
    const described = describeError(error);
    const message = `${described.message} (on ${hostname()})`;
    return { type: 'failed', error: { ...described, message }, retry: mayDiffer(error) };
  }
}

/** A cell that throws would throw again; a killed process, a missing file or a full disk may not recur elsewhere. */
function mayDiffer(error: unknown): boolean {
  const isSystem = typeof (error as NodeJS.ErrnoException | null)?.code === 'string';
  return error instanceof MachineError || error instanceof InputError || isSystem;
}

/** Fills this machine's caches for a cell, once for all that start from the same weights. */
async function prepare(
  { cell, code }: Pick<JobData, 'cell' | 'code'>,
  { executor, prepared, shutdown }: JobContext,
  tell: Pick<Parameters<Executor['execute']>[0], 'onNotice' | 'onProgress'>,
): Promise<void> {
  const key = startingKey(cell);
  const made =
    prepared.get(key) ??
    executor.execute({
      task: 'prepare',
      cell,
      code,
      checkpointSeconds: 0,
      signal: shutdown,
      onStart: () => {},
      onCheckpoint: () => {},
      ...tell,
    });
  prepared.set(key, made);
  try {
    await made;
  } catch (error) {
    // The next cell tries again: what was missing may be there by then.
    if (prepared.get(key) === made) prepared.delete(key);
    throw error;
  }
}

/** The first worker that reaches a starting point says what it is; one that finds another one must not take part. */
async function compareStart(cell: Cell, sha256: string, context: JobContext): Promise<void> {
  const { client } = context.connection;
  const group = createHash('sha256')
    .update(context.code + startingKey(cell))
    .digest('hex');
  const key = names.start(group);
  const mine = { sha256, where: context.where, node: process.version, machine: process.arch };
  await client.set(key, JSON.stringify(mine), 'EX', KEPT_SECONDS, 'NX');
  const first = JSON.parse((await client.get(key)) ?? JSON.stringify(mine)) as typeof mine;
  if (first.sha256 === sha256) return;
  context.refuse(
    `data, starting weights or rounding of ${cell.environment.id} differ from those of ${first.where} (Node ${first.node} ${first.machine} there, ${mine.node} ${mine.machine} here): the results could not be compared; valid: machines with equal Node versions and processors. To make this machine's the common ones, stop all workers and delete ${key}`,
  );
}

function atMostEvery<T>(milliseconds: number, call: (value: T) => void): (value: T) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (value) => {
    const now = performance.now();
    if (now - last < milliseconds) return;
    last = now;
    call(value);
  };
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
