import type { RolloutTree } from '../algorithms/tree.ts';
import type { TokenCodec } from '../policies/policy.ts';
import type { Declaration } from './declaration.ts';
import type { TrainingOptions, WarmStartOptions } from './training/options.ts';
import type { CreditedRow } from './training/update.ts';

/** Code of a user's own: part of the identity of every cell that runs it. */
export interface CodeIdentity {
  /** As the suite or the command line names it: './mine.ts', './mine.ts#name', 'some-package#name'. */
  readonly source: string;
  /**
   * SHA-256 of the export's name, the file, everything that it imports from beside it, and the versions of the packages that
   * these import.
   */
  readonly sha256: string;
}

/** An algorithm, environment or policy and its completed options. */
export interface Choice {
  readonly id: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** The user's code behind it. Absent for what comes with creditbench. */
  readonly code?: CodeIdentity;
}

/**
 * One unit of work: everything that its numbers depend on, and the names of users' code. Its folder is named by the hash
 * of exactly this, without those names. Ids carry their version and options are complete (defaults filled in).
 */
export interface Cell {
  readonly environment: Choice;
  readonly policy: Choice;
  readonly algorithm: Choice;
  readonly training: TrainingOptions;
  readonly warmStart: WarmStartOptions;
  /** Training seed: the unit of replication. */
  readonly seed: number;
  /**
   * Absent: the random numbers of the seed, which all algorithms share. A name: the same questions with other random
   * numbers, so that an algorithm can be compared with itself.
   */
  readonly noiseStream?: string;
  /** Tensor backend that computed it: 'wasm'. Float rounding differs between backends. */
  readonly backend: string;
  /** SHA-256 of every file that the options name, by its name there. Absent if they name none. */
  readonly inputs?: Readonly<Record<string, string>>;
}

/** A choice as its numbers depend on it: without the name of users' code, which is for people and for finding it. */
export function unnamed({ id, options, code }: Choice): object {
  return { id, options, ...(code === undefined ? {} : { code: code.sha256 }) };
}

/** A cell and the name that its suite gives to its algorithm entry. */
export interface NamedCell {
  readonly name: string;
  readonly cell: Cell;
}

/** Where code of a user's own lies: the file of every source that a cell names. Not part of its identity. */
export type CodeFiles = Readonly<Record<string, string>>;

/** Column name to value; missing values are null and written as an empty field. */
export type Row = Readonly<Record<string, number | string | null>>;

/** What a finished cell leaves behind. `metrics` is deterministic; `timings` is not. */
export interface CellResult {
  /** One row per iteration: `metricColumns` of the declaration. */
  readonly metrics: readonly Row[];
  /** One row per iteration: TIMING_COLUMNS. */
  readonly timings: readonly Row[];
  /** Fingerprint of the environment: its data, corpus, retrieval and options. */
  readonly fingerprint: string;
  /** What the environment is scored by, and what it counts besides. */
  readonly declaration: Declaration;
  /** Rollouts of the last iteration, if they were to be kept. Not kept in memory when they are stored. */
  readonly kept?: KeptTrees;
}

/**
 * Rollouts of a cell's last iteration and what its training gave them: files of lines of JSON.
 * @experimental
 */
export interface KeptTrees {
  readonly trajectories: string;
  readonly credit: string;
}

/**
 * What the last iteration of a training was made of.
 * @experimental
 */
export interface LastTrees {
  /** The trees that were used, with all that was measured. */
  readonly trees: readonly RolloutTree[];
  /** Their credit. */
  readonly rows: readonly CreditedRow[];
  /** The policy's, if it writes text. */
  readonly codec: TokenCodec | undefined;
}

/** How far a running cell has come. */
export interface CellProgress {
  /** What it is doing: 'loading', 'warm start', 'iteration 3 of 30'. */
  readonly stage: string;
  /** Work done, 0 to 1. */
  readonly fraction: number;
}

export interface CellContext {
  /** Folder for caches (graph, warm start). */
  readonly cacheDirectory: string;
  readonly signal?: AbortSignal;
  onProgress?(progress: CellProgress): void;
  /** Something a person should know that does not stop the work. */
  onNotice?(message: string): void;
  /** Called before training begins, with the digest of what it starts from (`startingDigest`). */
  onStartingPoint?(sha256: string): void;
  /** Called after the last iteration. */
  onLastTrees?(last: LastTrees): void;
  /** Where to resume: the last checkpoint of an earlier try of this cell. One that cannot be used is ignored, with a notice. */
  readonly checkpoint?: Uint8Array;
  /** Seconds between two checkpoints, at least 0; 0 is after every iteration. Changes no number. Default: 30. */
  readonly checkpointSeconds?: number;
  /** Called between iterations with all that is needed to go on from there to the same bytes; awaited. */
  onCheckpoint?(checkpoint: Uint8Array): void | Promise<void>;
}

/** Default of `checkpointSeconds`: little is lost, and writing takes a thousandth of the time. */
export const CHECKPOINT_SECONDS = 30;
