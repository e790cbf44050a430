import type { Cell, CellProgress, CodeFiles } from '../../cell.ts';

/** First part of all names in Redis. */
export const PREFIX = 'creditbench';

/** Seconds for which results and checkpoints are kept if nobody fetches them: a week. */
export const KEPT_SECONDS = 7 * 24 * 3600;

/** Bytes of the largest result and of the largest checkpoint that go through Redis. */
export const LARGEST = 64 * 1024 * 1024;

/** How often a cell is tried when its machine may be at fault, and how many workers it may take with it. */
export const ATTEMPTS = 3;

/** One queue per version of the code and backend, so that workers never get cells of another version. */
export function queueName(code: string, backend: string): string {
  return `${backend}-${code.slice(0, 16)}`;
}

/** Names of what lies beside the jobs, by the hash of a cell or of a starting point. */
export const names = {
  result: (hash: string) => `${PREFIX}:result:${hash}`,
  checkpoint: (hash: string) => `${PREFIX}:checkpoint:${hash}`,
  stop: (hash: string) => `${PREFIX}:stop:${hash}`,
  start: (key: string) => `${PREFIX}:start:${key}`,
} as const;

/** What a job holds. Its id is the hash of the cell and of the code. */
export interface JobData {
  readonly cell: Cell;
  /** As the run found it; a worker looks for the same file, from its own working folder where the path is relative. */
  readonly code: CodeFiles;
  readonly checkpointSeconds: number;
  readonly keepTrees?: boolean;
}

/** What a worker reports of a job while it computes. */
export type JobEvent =
  | { readonly type: 'start' }
  | { readonly type: 'progress'; readonly progress: CellProgress }
  | { readonly type: 'notice'; readonly message: string };

/** JobEvent, and the worker (host name and process id) that they are from. */
export type ReportedEvent = JobEvent & { readonly worker: string };
