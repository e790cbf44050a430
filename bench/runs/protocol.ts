// biome-ignore-all lint/plugin: a worker is a process of its own, and ends itself

import { InputError, MachineError } from '../../core/errors.ts';
import type { Cell, CellContext, CellProgress, CellResult, CodeFiles, KeptTrees } from '../cell.ts';
import { keptTrees } from './kept-trees.ts';
import type { CellError } from './storage.ts';

/** The one request that a worker process gets. */
export interface WorkerRequest {
  /** 'prepare' fills the caches that a group of cells shares; 'run' computes a cell. */
  readonly task: 'prepare' | 'run';
  readonly cell: Cell;
  readonly code: CodeFiles;
  readonly cacheDirectory: string;
  readonly checkpointSeconds: number;
  readonly checkpoint?: Uint8Array;
  /** Whether the result is to have the rollouts of the last iteration. */
  readonly keepTrees?: boolean;
}

/** What a worker process sends back. The last message is `result`, `prepared` or `error`. */
export type WorkerReply =
  | { readonly type: 'progress'; readonly progress: CellProgress }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'checkpoint'; readonly checkpoint: Uint8Array }
  | { readonly type: 'starting-point'; readonly sha256: string }
  | { readonly type: 'prepared' }
  | { readonly type: 'result'; readonly result: CellResult }
  | { readonly type: 'error'; readonly error: CellError; readonly of: ErrorKind };

/** The work itself. */
interface WorkerTasks {
  runCell(cell: Cell, code: CodeFiles, context: CellContext): Promise<CellResult>;
  prepareCell(cell: Cell, code: CodeFiles, context: CellContext): Promise<void>;
}

/**
 * Turns the current process (a child with an IPC channel) into a worker: waits for one request, does it,
 * replies and exits. It leaves Ctrl-C to its parent and ends when the parent is gone.
 */
export function serveWorker(tasks: WorkerTasks): void {
  process.on('SIGINT', () => {});
  process.on('disconnect', () => process.exit(0));
  const parent = process.ppid;
  const send = (reply: WorkerReply) =>
    new Promise<void>((resolve) => {
      process.send!(reply, undefined, {}, () => resolve());
    });
  process.once('message', (message) => {
    const { task, cell, code, keepTrees = false, ...given } = message as WorkerRequest;
    const context: CellContext = {
      ...given,
      onProgress: (progress) => {
        // A long computation blocks the event loop, and with it the event 'disconnect'.
        if (process.ppid !== parent) process.exit(0);
        void send({ type: 'progress', progress });
      },
      onNotice: (notice) => void send({ type: 'notice', message: notice }),
      onStartingPoint: (sha256) => void send({ type: 'starting-point', sha256 }),
      // Awaited: a message that is larger than the pipe's buffer is only sent while the event loop runs.
      onCheckpoint: (checkpoint) => send({ type: 'checkpoint', checkpoint }),
    };
    perform(tasks, { task, cell, code, keepTrees }, context)
      .catch(
        (error: unknown): WorkerReply => ({
          type: 'error',
          error: describeError(error),
          of: kindOf(error),
        }),
      )
      .then(send)
      .finally(() => process.exit(0));
  });
}

async function perform(
  tasks: WorkerTasks,
  { task, cell, code, keepTrees }: Pick<WorkerRequest, 'task' | 'cell' | 'code' | 'keepTrees'>,
  context: CellContext,
): Promise<WorkerReply> {
  if (task === 'run') {
    let kept: KeptTrees | undefined;
    if (keepTrees) context.onLastTrees = (last) => (kept = keptTrees(last, cell.algorithm.id));
    const result = await tasks.runCell(cell, code, context);
    return { type: 'result', result: { ...result, ...(kept === undefined ? {} : { kept }) } };
  }
  await tasks.prepareCell(cell, code, context);
  return { type: 'prepared' };
}

/** 'input' (files) and 'system' (disk, memory, a lost GPU) may be otherwise on another machine; 'code' is not. */
type ErrorKind = 'input' | 'system' | 'code';

/** What the system says when it has run out of something, or a disk fails: the same call may succeed another time. */
const MACHINE_CODES = [
  'EAGAIN',
  'EDQUOT',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'ENOSPC',
  'EROFS',
  'ESTALE',
];

/** Whether the machine is to blame for an error, or for what an error says to be its cause. */
function isMachineFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '' } = error as NodeJS.ErrnoException;
  return error instanceof MachineError || MACHINE_CODES.includes(code) || isMachineFault(error.cause);
}

function kindOf(error: unknown): ErrorKind {
  if (isMachineFault(error)) return 'system';
  if (error instanceof InputError) return 'input';
  return typeof (error as NodeJS.ErrnoException | null)?.code === 'string' ? 'system' : 'code';
}

/** Message and stack of anything thrown, and whether the machine is to blame. */
export function describeError(error: unknown): CellError {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(isMachineFault(error) ? { cause: 'machine' } : {}),
  };
}
