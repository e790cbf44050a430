import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import { InputError } from '../../../core/errors.ts';
import type { Cell } from '../../cell.ts';
import { createLocalExecutor } from '../local-executor.ts';
import type { QueueAddress } from './address.ts';
import { computeJob, type Ending, type JobContext, type JobEnd } from './cell-job.ts';
import { connectQueue, type QueueConnection } from './connection.ts';
import { extendLease, type Lease } from './lease.ts';
import { ATTEMPTS, type JobData, names, PREFIX, queueName } from './names.ts';
import {
  announce,
  describePresence,
  fits,
  listPresent,
  type Presence,
  thisPresence,
  withdraw,
} from './presence.ts';
import { inTime, repeat } from './timing.ts';

/** Milliseconds that handing cells back may take before the process leaves anyway. */
const LEAVING = 5000;

/** What a worker does with cells. */
export interface ServiceEvent {
  /** 'back': handed back for another worker; 'again': failed, and is tried again; 'stopped': nobody wants it. */
  readonly type: 'start' | 'done' | 'failed' | 'again' | 'back' | 'stopped' | 'lost';
  readonly cell: Cell;
  /** Why it failed. */
  readonly message?: string;
}

export interface ServeOptions {
  readonly address: QueueAddress;
  /** Only cells of this tensor backend are taken. */
  readonly backend: string;
  /** Cells at the same time, 1 to 256. */
  readonly concurrency: number;
  /** Folder of this machine for caches that cells share. */
  readonly cacheDirectory: string;
  /** Seconds without a heartbeat after which others take over the cells of a worker, 1 to 3600. */
  readonly lostAfter: number;
  /** Ends the service: its cells are handed back with their checkpoints. */
  readonly signal: AbortSignal;
  /** JavaScript file of the processes that compute. Default: cli/cell-worker.js of the built package. */
  readonly worker?: string;
  /** Fingerprint of the code. Default: that of this code. */
  readonly code?: string;
  /** Called once the queue is reached and this version and backend are what its runs want. */
  onReady?(): void;
  onEvent?(event: ServiceEvent): void;
  onNotice?(message: string): void;
}

/**
 * Takes cells from a queue and computes each in a process of its own, until `signal`. A cell that crashes does not
 * take the service with it.
 *
 * @throws InputError when the queue cannot be reached, when its runs are all of another version or backend, or when
 * this machine computes other numbers than the first one did.
 */
export async function serveQueue(options: ServeOptions): Promise<void> {
  const { address, backend, cacheDirectory, concurrency } = options;
  const onNotice = (message: string): void => options.onNotice?.(message);
  const connection = await connectQueue(address, onNotice);
  const presence = thisPresence(backend, options.code);
  const stop = new AbortController();
  const shutdown = AbortSignal.any([stop.signal, options.signal]);
  setMaxListeners(0, shutdown); // one per cell and process
  const executor = createLocalExecutor({
    workers: concurrency,
    cacheDirectory,
    ...(options.worker === undefined ? {} : { worker: options.worker }),
  });
  const context: JobContext = {
    connection,
    executor,
    code: presence.code,
    where: presence.where,
    lostAfter: options.lostAfter * 1000,
    shutdown,
    prepared: new Map(),
    refuse: (message) => stop.abort(new InputError(`this worker cannot take part: ${message}`)),
  };
  try {
    await checkVersion(connection, presence, onNotice);
    options.onReady?.();
    await work(options, context, presence);
  } finally {
    connection.close();
    await executor.close();
  }
  if (stop.signal.aborted) throw stop.signal.reason;
}

/** Serves until the shutdown, then hands everything back. */
async function work(options: ServeOptions, context: JobContext, presence: Presence): Promise<void> {
  const { connection, lostAfter, shutdown } = context;
  const { client } = connection;
  const running = new Map<string, Running>();
  const worker = createWorker(options, context, presence, running);
  worker.on('lockRenewalFailed', async (ids: string[]) => {
    for (const { lease, controller } of ids.flatMap((id) => running.get(id) ?? [])) {
      if (!(await extendLease(client, lease, lostAfter))) controller.abort('lost' satisfies Ending);
    }
  });
  const known = new Set<string>();
  const tick = async () => {
    await announce(client, 'worker', presence);
    const jobs = [...running.values()];
    const stops = jobs.length === 0 ? [] : await client.mget(jobs.map(({ lease: { id } }) => names.stop(id)));
    for (const [index, { controller }] of jobs.entries()) {
      if (stops[index] !== null) controller.abort('withdrawn' satisfies Ending);
    }
    for (const run of await listPresent(client, 'run')) {
      if (!fits(run, presence) && !known.has(run.id)) options.onNotice?.(mismatch([run], presence));
      known.add(run.id);
    }
    // After the server was away, every worker gets the time to renew its leases.
    if (connection.connectedFor() > lostAfter) await worker.getBackend().moveStalledJobsToWait();
  };
  const ticking = repeat(tick, Math.min(2000, lostAfter / 4), shutdown);
  worker.run().catch(() => {}); // told by its 'error' event
  await new Promise<void>((resolve) => {
    shutdown.addEventListener('abort', () => resolve(), { once: true });
    if (shutdown.aborted) resolve();
  });
  const leave = async () => {
    await ticking;
    await worker.close();
    await withdraw(client, 'worker', presence);
  };
  if (!(await inTime(leave(), LEAVING))) {
    options.onNotice?.('the queue does not answer; it will find the cells of this worker by itself');
    await inTime(worker.close(true), 1000);
    worker.disconnect().catch(() => {});
  }
}

interface Running {
  readonly lease: Lease;
  readonly controller: AbortController;
}

function createWorker(
  options: ServeOptions,
  context: JobContext,
  presence: Presence,
  running: Map<string, Running>,
): Worker<JobData> {
  const tell = (type: ServiceEvent['type'], cell: Cell, message?: string): void =>
    options.onEvent?.({ type, cell, ...(message === undefined ? {} : { message }) });
  const process = async (job: Job<JobData>, token?: string): Promise<void> => {
    const lease: Lease = { key: worker.toKey(job.id!), id: job.id!, token: token! };
    const controller = new AbortController();
    const end = () => controller.abort('shutdown' satisfies Ending);
    context.shutdown.addEventListener('abort', end, { once: true });
    if (context.shutdown.aborted) end();
    running.set(lease.id, { lease, controller });
    tell('start', job.data.cell);
    try {
      const ended = await computeJob(job, lease, context, controller.signal);
      await settle(ended, job, lease.token, tell, context.where);
    } finally {
      running.delete(lease.id);
      context.shutdown.removeEventListener('abort', end);
    }
  };
  const worker: Worker<JobData> = new Worker<JobData>(queueName(presence.code, presence.backend), process, {
    connection: context.connection.options,
    prefix: PREFIX,
    name: presence.where,
    autorun: false,
    concurrency: options.concurrency,
    lockDuration: context.lostAfter,
    stalledInterval: context.lostAfter / 2,
    skipStalledCheck: true,
    maxStalledCount: ATTEMPTS - 1,
    runRetryDelay: 1000,
  });
  worker.on('error', (error) => {
    // The connection reports when the server is away; a lost lease shows in what happens to the cell.
    if ('code' in error || /connection|lock|missing key/i.test(error.message)) return;
    options.onNotice?.(`queue: ${error.message}`);
  });
  context.shutdown.addEventListener('abort', () => void worker.pause(true), { once: true });
  return worker;
}

/** Tells BullMQ how a job ended: by returning, or by what is thrown. */
async function settle(
  ended: JobEnd,
  job: Job<JobData>,
  token: string,
  tell: (type: ServiceEvent['type'], cell: Cell, message?: string) => void,
  where: string,
): Promise<void> {
  const { cell } = job.data;
  const notice = (message: string) => job.updateProgress({ type: 'notice', worker: where, message });
  if (ended.type === 'done') return tell('done', cell);
  if (ended.type === 'failed') {
    const retry = ended.retry && job.attemptsMade + 1 < ATTEMPTS;
    if (retry) {
      await notice(`try ${job.attemptsMade + 1} of ${ATTEMPTS} failed: ${ended.error.message}`);
    }
    tell(retry ? 'again' : 'failed', cell, ended.error.message);
    const text = JSON.stringify(ended.error);
    throw retry ? new Error(text) : new UnrecoverableError(text);
  }
  if (ended.why === 'shutdown') {
    await notice('handed back by its worker');
    await job.moveToWait(token);
    tell('back', cell);
    throw new WaitingError();
  }
  tell(ended.why === 'lost' ? 'lost' : 'stopped', cell);
  // A withdrawn job leaves nothing; after a lost lease the job is another worker's, whatever is thrown here.
  job.opts.removeOnFail = true;
  throw new UnrecoverableError(ended.why);
}

async function checkVersion(
  { client }: QueueConnection,
  presence: Presence,
  onNotice: (message: string) => void,
): Promise<void> {
  const runs = await listPresent(client, 'run');
  if (runs.length === 0) onNotice('no run is connected; waiting for one');
  else if (!runs.some((run) => fits(run, presence))) throw new InputError(mismatch(runs, presence));
}

function mismatch(runs: readonly Presence[], presence: Presence): string {
  const wanted = runs.map((run) => `${describePresence(run)} (wanted by ${run.where})`).join(' or ');
  return `--queue: the run wants ${wanted}, and this worker on ${hostname()} is ${describePresence(presence)}; valid: the same version and backend`;
}
