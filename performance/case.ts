import type { Catalog } from '../bench/catalog/catalog.ts';
import type { BackendName } from '../policies/tensor/backend.ts';

/** Medians of the seconds of one run, by part; `seconds` is the whole. */
export type Seconds = Readonly<Record<string, number>> & { readonly seconds: number };

/** What is measured, ready to run. */
export interface Prepared {
  /** Does it once. May give the seconds of its parts. */
  run(): Promise<Omit<Seconds, 'seconds'> | undefined>;
  /** Before every run, not measured. */
  before?(): void;
  /** The same for PyTorch, in the terms of torch_loop.py; known once it is prepared. */
  readonly torch?: Readonly<Record<string, unknown>>;
  dispose?(): void;
}

/** Something whose speed is measured. */
export interface SpeedCase {
  /** Unique: 'train-step/small'. What stands before the first slash is its group. */
  readonly id: string;
  readonly title: string;
  /** What one run works through, for the rate: 2048 tokens. */
  readonly work?: { readonly amount: number; readonly unit: string };
  /** Whether it runs on tensors, and so depends on the backend. */
  readonly tensors: boolean;
  /** Runs that are measured, at least. */
  readonly runs: number;
  prepare(context: SpeedContext): Promise<Prepared>;
}

export interface SpeedContext {
  /** Where algorithms, environments and policies are looked up. */
  readonly catalog: Catalog;
  readonly backend: BackendName;
  /** Folder for data and starting weights. */
  readonly cacheDirectory: string;
}

/** A measured case. */
export interface SpeedResult {
  readonly id: string;
  readonly title: string;
  /** null if the case does not depend on it. */
  readonly backend: BackendName | null;
  readonly runs: number;
  readonly median: Seconds;
  /** Upper quartile of the whole, in seconds. */
  readonly upperQuartile: number;
  readonly work?: SpeedCase['work'];
  /** PyTorch's, where it was measured. */
  readonly torch?: Seconds;
}
