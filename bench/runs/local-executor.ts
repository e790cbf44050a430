import { fork } from 'node:child_process';
import { join } from 'node:path';
import { InputError, MachineError } from '../../core/errors.ts';
import { packageInfo } from '../../core/package.ts';
import type { CellResult } from '../cell.ts';
import type { Executor, Job } from './executor.ts';
import type { WorkerReply, WorkerRequest } from './protocol.ts';

/** Bytes of a worker's error output that are kept to explain its death. */
const STDERR_KEPT = 4096;

export interface LocalExecutorOptions {
  /** Processes at the same time. */
  readonly workers: number;
  /** Folder for caches that cells share. */
  readonly cacheDirectory: string;
  /** JavaScript file of the worker process. Default: cli/cell-worker.js of the built package. */
  readonly worker?: string;
}

/** Computes on this machine: one process per job. */
export function createLocalExecutor({ workers, cacheDirectory, worker }: LocalExecutorOptions): Executor {
  const file = worker ?? join(packageInfo().root, 'dist', 'cli', 'cell-worker.js');
  return {
    capacity: workers,
    sharesCache: true,
    execute: (job) => askWorker(file, cacheDirectory, job),
    close: async () => {},
  };
}

/** Starts a worker process for one job. */
function askWorker(worker: string, cacheDirectory: string, job: Job): Promise<CellResult | undefined> {
  const { task, cell, code, checkpoint, checkpointSeconds, signal, onProgress, onNotice, onCheckpoint } = job;
  return new Promise((resolve, reject) => {
    // 'advanced' keeps NaN and infinities, which JSON would turn into null.
    const child = fork(worker, [], {
      serialization: 'advanced',
      execArgv: [],
      // A process group of its own: Ctrl-C reaches this process only, which then ends its workers.
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let reply: WorkerReply | undefined;
    let stderr = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_KEPT);
    });
    child.on('message', (message) => {
      const received = message as WorkerReply;
      if (received.type === 'progress') onProgress(received.progress);
      else if (received.type === 'notice') onNotice(received.message);
      else if (received.type === 'starting-point') job.onStartingPoint?.(received.sha256);
      else if (received.type === 'checkpoint') onCheckpoint(received.checkpoint);
      else reply = received;
    });
    const stop = () => child.kill('SIGKILL');
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      signal.removeEventListener('abort', stop);
      if (reply?.type === 'result') resolve(reply.result);
      else if (reply?.type === 'prepared') resolve(undefined);
      else if (reply?.type === 'error') reject(restoreError(reply));
      else reject(deathError(code, killedBy, stderr));
    });
    const request: WorkerRequest = {
      task,
      cell,
      code,
      cacheDirectory,
      checkpointSeconds,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(job.keepTrees === true ? { keepTrees: true } : {}),
    };
    job.onStart();
    child.send(request, () => {
      // A failed send means that the worker has died; the event 'close' says why.
    });
  });
}

function restoreError({ error: { message, stack, cause }, of }: WorkerReply & { type: 'error' }): Error {
  const kind = cause === 'machine' ? MachineError : of === 'input' ? InputError : Error;
  const error = new kind(message);
  if (of === 'system') (error as NodeJS.ErrnoException).code = 'SYSTEM';
  if (stack === undefined) delete error.stack;
  else error.stack = stack;
  return error;
}

function deathError(code: number | null, signal: string | null, stderr: string): Error {
  const how = signal === null ? `ended with exit code ${code} and no result` : `was killed by ${signal}`;
  const message = `the worker process ${how}${stderr === '' ? '' : `:\n${stderr.trimEnd()}`}`;
  const error = signal === null ? new Error(message) : new MachineError(message);
  delete error.stack;
  return error;
}
