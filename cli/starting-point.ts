import { type Catalog, choose, nameOfChoice } from '../bench/catalog/catalog.ts';
import type { Choice } from '../bench/cell.ts';
import { loadSuite } from '../bench/suites/load.ts';
import type { SuiteOverrides } from '../bench/suites/raw.ts';
import type { SuiteEnvironment } from '../bench/suites/suite.ts';
import { trainingSchema, warmStartSchema } from '../bench/training/options.ts';
import { CATALOG } from '../catalog.ts';
import { InputError } from '../core/errors.ts';
import { checkBackend } from './backends.ts';
import { catalogWith, tellCode } from './own-code.ts';

/** Options of the commands that start from a suite's environment. */
export interface StartFlags {
  readonly suite?: string;
  readonly policy?: string;
  readonly set?: readonly string[];
  readonly backend?: string;
}

/** The suites that say how an environment's policy starts, unless another is named: the first that has it. */
const DEFAULT_SUITES = ['quick', 'search'] as const;

/** An environment and what its policy starts from. */
export interface StartingPoint {
  readonly environment: SuiteEnvironment;
  readonly catalog: Catalog;
  readonly backend: string;
}

/** The default suite that has an environment, by its id or name; the first if none has. */
async function defaultSuite(name: string): Promise<string> {
  for (const suite of DEFAULT_SUITES) {
    const { environments } = (await loadSuite(suite, CATALOG, {})).suite;
    if (environments.some(({ id }) => id === name || id.split('/v')[0] === name)) return suite;
  }
  return DEFAULT_SUITES[0];
}

/**
 * An environment with the policy and warm start of a suite. One that is not in a default suite gets an
 * untrained table, unless a policy is named.
 * @param name of a registered environment, the source of one's own, or the id of one that the suite names. A source that the
 *   suite names, too, means its file, beside the suite; any other lies in the working folder.
 * @throws InputError when a named suite does not have the environment, or what is named is not there.
 */
export async function startingPoint(name: string, flags: StartFlags): Promise<StartingPoint> {
  const backend = await checkBackend(flags.backend);
  const suiteName = flags.suite ?? (await defaultSuite(name));
  const load = (base: Catalog, overrides: SuiteOverrides) =>
    loadSuite(suiteName, base, {
      backend,
      onNotice: tellCode,
      ...overrides,
      ...(flags.set === undefined ? {} : { set: flags.set }),
    });
  const { suite, catalog: ofSuite } = await load(CATALOG, {});
  const isNamed = ({ id, code }: Choice): boolean =>
    code !== undefined && (code.source === name || id === name || id.split('/v')[0] === name);
  const named = suite.environments.find(isNamed);
  const items = [{ kind: 'environment', option: '<environment>', names: [name] }] as const;
  const catalog = named === undefined ? await catalogWith(items, ofSuite) : ofSuite;
  const environment = named ?? choose(catalog, 'environment', name);
  const isWanted = ({ id, code }: Choice): boolean =>
    id === environment.id && code?.sha256 === environment.code?.sha256;
  const found = suite.environments.find(isWanted);
  if (found !== undefined) {
    if (flags.policy === undefined) return { environment: found, catalog, backend };
    const other = await load(catalog, { policy: flags.policy, environments: [nameOfChoice(found)] });
    return { environment: other.suite.environments[0]!, catalog: other.catalog, backend };
  }
  if (flags.suite !== undefined) {
    const valid = suite.environments.map(({ id }) => id).join(', ');
    throw new InputError(
      `--suite: suite ${suite.name} has no environment ${environment.id}; valid: ${valid}`,
    );
  }
  const { policy = 'tabular' } = flags;
  const whole = await catalogWith([{ kind: 'policy', option: '--policy', names: [policy] }], catalog);
  return {
    environment: {
      ...environment,
      policy: choose(whole, 'policy', policy),
      training: trainingSchema.parse({}),
      warmStart: warmStartSchema.parse({ steps: 0 }),
    },
    catalog: whole,
    backend,
  };
}
