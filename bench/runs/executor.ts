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
  /** Where a 'run' resumes: the last checkpoint of an earlier try of this cell. */
  readonly checkpoint?: Uint8Array;
  /** As in `CellContext`. */
  readonly checkpointSeconds: number;
  /** Whether the result of a 'run' is to have the rollouts of the last iteration (`CellResult.kept`). Changes no number. */
  readonly keepTrees?: boolean;
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
  /** How many jobs it works on at the same time, at least 1. */
  readonly capacity: number;
  /** Whether all jobs share one cache, which a 'prepare' fills for those after it. If not, it gets no 'prepare'. */
  readonly sharesCache: boolean;
  /** Resolves with the result of a 'run', with nothing for a 'prepare'; rejects with why it failed. */
  execute(job: Job): Promise<CellResult | undefined>;
  /** Called when the result of a cell is stored: the executor no longer has to keep it. */
  stored?(cell: Cell): void;
  /** Frees what the executor holds. No job may be under way. */
  close(): Promise<void>;
}
