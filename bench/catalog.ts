import type { ZodType } from 'zod';
import { findAlgorithm } from '../algorithms/registry.ts';
import { findEnvironment } from '../envs/registry.ts';
import { findPolicy } from '../policies/registry.ts';

/** What a suite needs to know of a registered thing. */
export interface CatalogEntry {
  /** Full id, with its version where it has one. */
  readonly id: string;
  readonly schema: ZodType;
}

/** What suites can name. Each lookup throws an InputError that lists the valid ids. */
export interface Catalog {
  environment(id: string): CatalogEntry;
  policy(id: string): CatalogEntry;
  algorithm(id: string): CatalogEntry;
}

/** Everything that comes with creditbench. */
export const CATALOG: Catalog = {
  environment: findEnvironment,
  policy: findPolicy,
  algorithm: findAlgorithm,
};
