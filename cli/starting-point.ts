import { type Catalog, choose, nameOfChoice } from '../bench/catalog/catalog.ts';
import type { Choice } from '../bench/cell.ts';
import { loadSuite } from '../bench/suites/load.ts';
import type { SuiteOverrides } from '../bench/suites/raw.ts';
import type { SuiteEnvironment } from '../bench/suites/suite.ts';
import { trainingSchema, warmStartSchema } from '../bench/training/options.ts';
import { InputError } from '../core/errors.ts';
import { checkBackend } from './backends.ts';
import { catalogWith } from './own-code.ts';

/** Options of the commands that start from a suite's environment. */
export interface StartFlags {
  readonly suite?: string;
  readonly policy?: string;
  readonly set?: readonly string[];
  readonly backend?: string;
}

/** The suite that says how an environment's policy starts, unless another is named. */
const DEFAULT_SUITE = 'quick';

/**
 * An environment with the policy and warm start of a suite. One that is not in the default suite gets an
 * untrained table, unless a policy is named.
 * @param name of a registered environment, or the source of one's own.
 * @throws InputError when a named suite does not have the environment, or what is named is not there.
 */
export async function startingPoint(
  name: string,
  flags: StartFlags,
): Promise<{
  readonly environment: SuiteEnvironment;
  readonly catalog: Catalog;
  readonly backend: string;
}> {
  const backend = await checkBackend(flags.backend);
  const { policy = 'tabular' } = flags;
  const named = await catalogWith([
    { kind: 'environment', option: '<environment>', names: [name] },
    { kind: 'policy', option: '--policy', names: [policy] },
  ]);
  const environment = choose(named, 'environment', name);
  const load = (overrides: SuiteOverrides) =>
    loadSuite(flags.suite ?? DEFAULT_SUITE, named, {
      backend,
      ...overrides,
      ...(flags.set === undefined ? {} : { set: flags.set }),
    });
  const { suite, catalog } = await load({});
  const isWanted = ({ id, code }: Choice): boolean =>
    id === environment.id && code?.sha256 === environment.code?.sha256;
  const found = suite.environments.find(isWanted);
  if (found !== undefined) {
    if (flags.policy === undefined) return { environment: found, catalog, backend };
    const other = await load({ policy, environments: [nameOfChoice(found)] });
    return { environment: other.suite.environments[0]!, catalog: other.catalog, backend };
  }
  if (flags.suite !== undefined) {
    const valid = suite.environments.map(({ id }) => id).join(', ');
    throw new InputError(
      `--suite: suite ${suite.name} has no environment ${environment.id}; valid: ${valid}`,
    );
  }
  return {
    environment: {
      ...environment,
      policy: choose(catalog, 'policy', policy),
      training: trainingSchema.parse({}),
      warmStart: warmStartSchema.parse({ steps: 0 }),
    },
    catalog,
    backend,
  };
}
