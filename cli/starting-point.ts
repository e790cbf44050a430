import { CATALOG } from '../bench/catalog.ts';
import type { Choice } from '../bench/cell.ts';
import { readSuite } from '../bench/suites/file.ts';
import { resolveSuite, type SuiteEnvironment } from '../bench/suites/suite.ts';
import { trainingSchema, warmStartSchema } from '../bench/training/options.ts';
import { InputError } from '../core/errors.ts';
import { findEnvironment } from '../envs/registry.ts';
import { findPolicy } from '../policies/registry.ts';
import { checkBackend } from './backends.ts';

/** Options of the commands that start from a suite's environment. */
export interface StartFlags {
  readonly suite?: string;
  readonly set?: readonly string[];
  readonly backend?: string;
}

/** The suite that says how an environment's policy starts, unless another is named. */
const DEFAULT_SUITE = 'quick';

/**
 * An environment with the policy and warm start of a suite. One that is not in the default suite gets an
 * untrained table.
 * @throws InputError when a named suite does not have the environment.
 */
export async function startingPoint(
  environmentId: string,
  flags: StartFlags,
): Promise<{ readonly environment: SuiteEnvironment; readonly backend: string }> {
  const { id, schema } = findEnvironment(environmentId);
  const backend = await checkBackend(flags.backend);
  const suite = resolveSuite(await readSuite(flags.suite ?? DEFAULT_SUITE), CATALOG, {
    backend,
    ...(flags.set === undefined ? {} : { set: flags.set }),
  });
  const found = suite.environments.find((environment) => environment.id === id);
  if (found !== undefined) return { environment: found, backend };
  if (flags.suite !== undefined) {
    const valid = suite.environments.map((environment) => environment.id).join(', ');
    throw new InputError(`--suite: suite ${suite.name} has no environment ${id}; valid: ${valid}`);
  }
  const tabular = findPolicy('tabular');
  const environment = {
    id,
    options: schema.parse({}) as Choice['options'],
    policy: { id: tabular.id, options: tabular.schema.parse({}) as Choice['options'] },
    training: trainingSchema.parse({}),
    warmStart: warmStartSchema.parse({ steps: 0 }),
  };
  return { environment, backend };
}
