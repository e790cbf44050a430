import type { ZodType } from 'zod';
import type { LoadedEnvironment } from './environment.ts';

/** Where loading may keep and find files, and how it speaks. */
export interface LoadContext {
  readonly cacheDirectory: string;
  readonly signal?: AbortSignal;
  onNotice?(message: string): void;
}

/** How an environment is made from options. */
export interface EnvironmentSpec<Options = unknown> {
  /** Name and version. */
  readonly id: string;
  readonly title: string;
  /** What it is for, for tables. Default: none. */
  readonly tags?: readonly string[];
  readonly schema: ZodType<Options>;
  /**
   * Whether actions are chosen from lists or written as free text: what does not fit is then refused before a run
   * starts. Absent: found out when it is loaded.
   */
  readonly actions?: 'listed' | 'text';
  /** The files that the options name: their content is part of a run's identity. */
  files?(options: Options): readonly string[];
  /** @param options complete: what `schema.parse` gives. */
  load(options: Options, context: LoadContext): Promise<LoadedEnvironment>;
}

// biome-ignore lint/suspicious/noExplicitAny: a catalog holds specs of every options type
export type AnyEnvironmentSpec = EnvironmentSpec<any>;
