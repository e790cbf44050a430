import type { TokenCodec } from '../../../policies/policy.ts';
import type { Trajectory } from '../trajectory.ts';

/**
 * A trajectory and where in its file it was: 'line 12', 'row 12'.
 * @experimental
 */
export interface PlacedTrajectory {
  readonly trajectory: Trajectory;
  readonly at: string;
}

/**
 * How a file is read.
 * @experimental
 */
export interface ReadOptions {
  /** Makes ids of texts where a file has none, and texts of ids. */
  readonly codec?: TokenCodec;
  /**
   * Names of the fields that rewards are in, with their weights, for formats in which whoever writes them chooses the names
   * ('correct' of TRL's columns or of verifiers' rewards, 'extra.score' of ATIF). Default: what the reader says.
   */
  readonly rewards?: Readonly<Record<string, number>>;
  /** Called with what whoever reads the results should know: that texts were tokenised again. Each once. */
  readonly onNotice?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Reads the files of one format.
 * @experimental
 */
export interface TrajectoryReader {
  /** What `--format` calls it: 'verifiers'. */
  readonly id: string;
  /** The format, its versions, who writes it: for people. */
  readonly title: string;
  /** What a record looks like, for messages. */
  readonly expected: string;
  /**
   * Whether a file is of this format, by its first record (a line of JSON, or a row of Parquet), or by its name if it has
   * another container. Readers are tried in the order of `readers/index.ts`.
   */
  detects(first: unknown, path: string): boolean;
  /**
   * The trajectories in the order of the file, a bounded part of it in memory at a time; checked by `trajectorySchema` and
   * `trajectoryProblem`. May be called again.
   * @throws InputError naming the file, the line or row, the field and what is valid.
   */
  read(path: string, options: ReadOptions): AsyncIterable<PlacedTrajectory>;
}
