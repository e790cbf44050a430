import type { Cell, CellProgress, CellResult, CodeFiles } from '../cell.ts';
import type { WorkerRequest } from './protocol.ts';

/**
 * One thing to compute.
 * @experimental
 */
export interface Job {
  readonly task: WorkerRequest['task'];
  readonly cell: Cell;
  /** Where the code of users' own that the cell names lies. */
  readonly code: CodeFiles;
  /** A 'run' goes on from here when it is given: what an earlier try of the same cell told last. */
  readonly checkpoint?: Uint8Array;
  /** As in `CellContext`. */
  readonly checkpointSeconds: number;
  /** Ends the work; the job then rejects. */
  readonly signal: AbortSignal;
  /** Called when work begins, again when another worker takes over: `worker` names one that may be elsewhere. */
  onStart(worker?: string): void;
  /** As in `CellContext`. */
  onStartingPoint?(sha256: string): void;
  onProgress(progress: CellProgress): void;
  onNotice(message: string): void;
  /** Called now and then in a 'run' with all that is needed to go on from there to the same bytes. */
  onCheckpoint(checkpoint: Uint8Array): void;
}

/**
 * Where jobs are computed: processes of this machine, or workers elsewhere.
 * @experimental
 */
export interface Executor {
  /** Jobs worth giving at the same time, at least 1. */
  readonly capacity: number;
  /** Whether all jobs use one cache: a 'prepare' then helps those after it. Others get no 'prepare'. */
  readonly sharesCache: boolean;
  /** Resolves with the result of a 'run', with nothing for a 'prepare'; rejects with why it failed. */
  execute(job: Job): Promise<CellResult | undefined>;
  /** Told when the result of a cell is safely stored: nothing has to keep it any more. */
  stored?(cell: Cell): void;
  /** Frees what the executor holds. No job may be under way. */
  close(): Promise<void>;
}
