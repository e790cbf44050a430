import { setMaxListeners } from 'node:events';
import { isAbsolute, relative } from 'node:path';
import { Queue, type Job as QueuedJob, QueueEvents } from 'bullmq';
import { MachineError } from '../../../core/errors.ts';
import type { Cell, CellResult, CodeFiles } from '../../cell.ts';
import { cellHash } from '../../identity.ts';
import type { Executor, Job } from '../executor.ts';
import type { CellError } from '../storage.ts';
import type { QueueAddress } from './address.ts';
import { connectQueue } from './connection.ts';
import {
  ATTEMPTS,
  type JobData,
  KEPT_SECONDS,
  LARGEST,
  names,
  PREFIX,
  queueName,
  type ReportedEvent,
} from './names.ts';
import { announce, describePresence, fits, listPresent, thisPresence, withdraw } from './presence.ts';
import { readResult } from './result-text.ts';
import { inTime, repeat } from './timing.ts';

/** Milliseconds before the second try; twice as many before the third. */
const BACKOFF = 3000;
/** Milliseconds between two polls of the jobs, in case an event was missed. */
const LOOK = 3000;
/** Milliseconds that withdrawing jobs may take at the end. */
const LEAVING = 5000;
/** Seconds for which workers can see that a run has withdrawn a cell. */
const STOP_KEPT = 3600;
/** Times that a result which cannot be read is computed again. */
const UNREADABLE = 2;

export interface QueueExecutorOptions {
  readonly address: QueueAddress;
  /** Tensor backend of all cells. */
  readonly backend: string;
  /** Fingerprint of the code. Default: that of this code. */
  readonly code?: string;
  /** Something a person should know that belongs to no cell. */
  onNotice?(message: string): void;
}

/** A job that somebody waits for. */
interface Awaited {
  readonly job: Job;
  readonly resolve: (result: CellResult) => void;
  readonly reject: (error: Error) => void;
  /** Host and process that computes it, as far as known. */
  worker?: string;
  unreadable: number;
  /** What is being done about the job in Redis: one thing after the other. */
  turn: Promise<void>;
}

/**
 * Computes on workers elsewhere (`serveQueue`), by a BullMQ queue in Redis or Valkey. A job's name is the hash of its
 * cell, so a run that is started again finds its jobs, and results that came in the meantime. Jobs whose signal is
 * aborted are taken out of the queue.
 *
 * @throws InputError when the queue cannot be reached.
 */
export async function createQueueExecutor(options: QueueExecutorOptions): Promise<Executor> {
  const { address, backend } = options;
  const onNotice = (message: string): void => options.onNotice?.(message);
  const connection = await connectQueue(address, onNotice);
  const { client } = connection;
  const presence = thisPresence(backend, options.code);
  const queueOptions = { connection: connection.options, prefix: PREFIX };
  const name = queueName(presence.code, backend);
  const queue = new Queue<JobData>(name, queueOptions);
  const events = new QueueEvents(name, queueOptions);
  // The connection reports when the server is away.
  queue.on('error', () => {});
  events.on('error', () => {});
  const awaited = new Map<string, Awaited>();
  const closing = new AbortController();
  const leaving = new Set<Promise<unknown>>();
  let complaint = '';
  const inTurn = (entry: Awaited, work: () => Promise<unknown>): Promise<void> => {
    entry.turn = entry.turn.then(work).then(
      () => {},
      ({ message }: Error) => {
        // The next poll tries again; it would report this every time.
        if (message !== complaint) onNotice(`queue: ${message}`);
        complaint = message;
      },
    );
    return entry.turn;
  };

  /** Puts a job into the queue unless it is there; takes its result when it is done. */
  const put = async (hash: string, entry: Awaited): Promise<void> => {
    const { cell, code, checkpoint, checkpointSeconds, keepTrees, signal } = entry.job;
    await client.del(names.stop(hash));
    const found = await queue.getJob(hash);
    if (found?.finishedOn !== undefined) {
      if (await found.isCompleted()) return take(hash, entry);
      await found.remove(); // failed in a run before this one
    }
    if (signal.aborted) return;
    if (checkpoint !== undefined && checkpoint.byteLength <= LARGEST) {
      await client.set(names.checkpoint(hash), Buffer.from(checkpoint), 'EX', KEPT_SECONDS, 'NX');
    }
    await queue.add(
      'cell',
      {
        ...{ cell, code: fromWorkingFolder(code), checkpointSeconds },
        ...(keepTrees === true ? { keepTrees } : {}),
      },
      {
        jobId: hash,
        attempts: ATTEMPTS,
        backoff: { type: 'exponential', delay: BACKOFF },
        stackTraceLimit: 0,
        removeOnComplete: { age: KEPT_SECONDS },
        removeOnFail: { age: KEPT_SECONDS },
      },
    );
  };
  const take = async (hash: string, entry: Awaited): Promise<void> => {
    if (awaited.get(hash) !== entry) return;
    const text = await client.get(names.result(hash));
    try {
      if (text === null) throw new Error('it is not there');
      const result = readResult(text);
      awaited.delete(hash);
      entry.resolve(result);
    } catch (error) {
      const why = `its result cannot be read: ${(error as Error).message}`;
      await forget(hash);
      if (++entry.unreadable > UNREADABLE) {
        awaited.delete(hash);
        entry.reject(new Error(why));
      } else {
        entry.job.onNotice(`${why}; it is computed again`);
        await put(hash, entry);
      }
    }
  };
  const giveUp = async (hash: string, entry: Awaited): Promise<void> => {
    const job = await queue.getJob(hash);
    if (awaited.get(hash) !== entry || job?.finishedOn === undefined) return;
    awaited.delete(hash);
    entry.reject(failureOf(job, entry.worker));
    await forget(hash);
  };
  const forget = async (hash: string): Promise<void> => {
    await queue.remove(hash);
    await client.del(names.result(hash), names.checkpoint(hash), names.stop(hash));
  };
  const takeBack = async (hash: string): Promise<void> => {
    const state = await queue.getBackend().getState(hash);
    if (state === 'completed') return; // for the next run in this folder
    if (state === 'active') await client.set(names.stop(hash), presence.where, 'EX', STOP_KEPT);
    else await queue.remove(hash);
  };

  const look = async () => {
    if (awaited.size === 0) return;
    const hashes = [...awaited.keys()];
    const asked = client.pipeline();
    for (const hash of hashes) {
      asked.zscore(queue.toKey('completed'), hash).zscore(queue.toKey('failed'), hash);
      asked.exists(queue.toKey(hash));
    }
    const answers = ((await asked.exec()) ?? []).map(([, answer]) => answer);
    for (const [index, hash] of hashes.entries()) {
      const [completed, failed, exists] = answers.slice(index * 3);
      const entry = awaited.get(hash);
      if (entry === undefined) continue;
      if (completed != null) await inTurn(entry, () => take(hash, entry));
      else if (failed != null) await inTurn(entry, () => giveUp(hash, entry));
      else if (exists === 0) await inTurn(entry, () => put(hash, entry));
    }
  };
  const told = new Set<string>();
  const lookForWorkers = async () => {
    await announce(client, 'run', presence);
    const workers = await listPresent(client, 'worker');
    for (const worker of workers.filter((one) => !fits(one, presence) && !told.has(one.id))) {
      told.add(worker.id);
      const they = `${worker.where} has ${describePresence(worker)}`;
      onNotice(`a worker cannot take part: ${they}, this run is ${describePresence(presence)}`);
    }
    if (workers.some((worker) => fits(worker, presence))) told.delete('none');
    else if (!told.has('none') && awaited.size > 0) {
      told.add('none');
      onNotice(`no worker takes part yet; one is started with: creditbench worker --queue ${address.shown}`);
    }
  };
  const on = (event: 'completed' | 'failed', work: (hash: string, entry: Awaited) => Promise<void>): void => {
    events.on(event, ({ jobId }: { jobId: string }) => {
      const entry = awaited.get(jobId);
      if (entry !== undefined) void inTurn(entry, () => work(jobId, entry));
    });
  };
  on('completed', take);
  on('failed', giveUp);
  events.on('progress', ({ jobId, data }) => {
    const entry = awaited.get(jobId);
    if (entry !== undefined) hear(entry, data as unknown as ReportedEvent);
  });
  events.on('stalled', ({ jobId }) => {
    const entry = awaited.get(jobId);
    if (entry === undefined) return;
    entry.job.onNotice(`its worker ${entry.worker ?? ''} is gone; another goes on from the last checkpoint`);
  });
  await announce(client, 'run', presence);
  await events.waitUntilReady();
  connection.onBack(() => void look().catch(() => {}));
  const looking = Promise.all([
    repeat(look, LOOK, closing.signal),
    repeat(lookForWorkers, LOOK, closing.signal),
  ]);

  return {
    capacity: Number.POSITIVE_INFINITY,
    sharesCache: false,
    execute: (job) =>
      new Promise((resolve, reject) => {
        const hash = cellHash(job.cell, options.code);
        if (job.cell.backend !== backend) {
          throw new Error(`a cell of backend ${job.cell.backend} in a queue for ${backend}`);
        }
        checkNumbers(job.cell);
        if (job.signal.aborted) throw new Error('stopped');
        const entry: Awaited = { job, resolve, reject, unreadable: 0, turn: Promise.resolve() };
        awaited.set(hash, entry);
        const abort = () => {
          if (awaited.get(hash) !== entry) return;
          awaited.delete(hash);
          reject(new Error('stopped'));
          const going = inTurn(entry, () => takeBack(hash)).finally(() => leaving.delete(going));
          leaving.add(going);
        };
        setMaxListeners(0, job.signal); // one per cell
        job.signal.addEventListener('abort', abort, { once: true });
        void inTurn(entry, () => put(hash, entry));
      }),
    stored: (cell) => {
      const going = forget(cellHash(cell, options.code))
        .catch(() => {})
        .finally(() => leaving.delete(going));
      leaving.add(going);
    },
    close: async () => {
      closing.abort();
      const leave = async () => {
        await Promise.all(leaving);
        await looking;
        await withdraw(client, 'run', presence);
        await Promise.all([events.close(), queue.close()]);
      };
      if (!(await inTime(leave(), LEAVING))) {
        onNotice('the queue does not answer; cells that wait there are still computed');
        await inTime(Promise.all([events.disconnect(), queue.disconnect()]), 1000);
      }
      connection.close();
    },
  };
}

function hear(entry: Awaited, told: ReportedEvent): void {
  if (told.type === 'start' || told.worker !== entry.worker) {
    entry.worker = told.worker;
    entry.job.onStart(told.worker);
  }
  if (told.type === 'progress') entry.job.onProgress(told.progress);
  if (told.type === 'notice') entry.job.onNotice(`${told.message} (${told.worker})`);
}

/** Paths below the working folder as seen from there: workers have it elsewhere. */
export const fromWorkingFolder = (code: CodeFiles, folder: string = process.cwd()): CodeFiles =>
  Object.fromEntries(
    Object.entries(code).map(([source, file]) => {
      const path = relative(folder, file);
      const isOutside = /^\.\.($|[\\/])/.test(path) || isAbsolute(path);
      return [source, isOutside ? file : path];
    }),
  );

/** Refuses numbers that JSON would turn into null. @throws Error naming the option. */
function checkNumbers(cell: Cell): void {
  JSON.stringify(cell, (key, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new Error(`option ${key} is ${value}, which cannot go through a queue`);
    }
    return value;
  });
}

/** Why a job failed: what its worker described, or what BullMQ says of one that has lost too many workers. */
function failureOf({ failedReason }: QueuedJob, worker: string | undefined): Error {
  let described: CellError;
  try {
    described = JSON.parse(failedReason) as CellError;
  } catch {
    const last = worker === undefined ? '' : `, the last of them ${worker}`;
    const isLost = failedReason.startsWith('job stalled');
    described = {
      message: isLost ? `it has taken ${ATTEMPTS} workers with it${last}` : failedReason,
      cause: 'machine',
    };
  }
  const { message, stack, cause } = described;
  const error = cause === 'machine' ? new MachineError(message) : new Error(message);
  if (stack === undefined) delete error.stack;
  else error.stack = stack;
  return error;
}
