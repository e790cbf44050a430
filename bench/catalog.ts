import type { ZodType } from 'zod';
import { ALGORITHMS, findAlgorithm } from '../algorithms/registry.ts';
import { findEnvironment } from '../envs/registry.ts';
import { findPolicy } from '../policies/registry.ts';

/** What a suite needs to know of a registered thing. */
export interface CatalogEntry {
  /** Full id, with its version where it has one. */
  readonly id: string;
  readonly schema: ZodType;
  /** Algorithms: the options that spend so many rollouts per question. */
  budget?(rollouts: number): object;
}

/** What suites can name. Each lookup throws an InputError that lists the valid ids. */
export interface Catalog {
  environment(id: string): CatalogEntry;
  policy(id: string): CatalogEntry;
  algorithm(id: string): CatalogEntry;
  /** Ids of all algorithms, for suites that say `all`. */
  readonly algorithms: readonly string[];
}

/** Everything that comes with creditbench. */
export const CATALOG: Catalog = {
  environment: findEnvironment,
  policy: findPolicy,
  algorithm: findAlgorithm,
  algorithms: ALGORITHMS.map(({ id }) => id),
};
