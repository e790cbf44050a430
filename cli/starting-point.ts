import type { Command } from 'commander';
import { type Catalog, choose, nameOfChoice } from '../bench/catalog/catalog.ts';
import type { Choice } from '../bench/cell.ts';
import { loadSuite } from '../bench/suites/load.ts';
import { applySetting } from '../bench/suites/override.ts';
import { checkValue } from '../bench/suites/problems.ts';
import type { SuiteOverrides } from '../bench/suites/raw.ts';
import type { SuiteEnvironment } from '../bench/suites/suite.ts';
import { trainingSchema, warmStartSchema } from '../bench/training/options.ts';
import { CATALOG } from '../catalog.ts';
import { InputError } from '../core/errors.ts';
import { checkBackend } from './backends.ts';
import { collect, DEFAULT_CACHE } from './options.ts';
import { catalogWith, tellCode } from './own-code.ts';

/** Options of the commands that start from a suite's environment. */
export interface StartFlags extends ServerFlags {
  readonly suite?: string;
  readonly policy?: string;
  readonly set?: readonly string[];
  readonly backend?: string;
}

/** Short forms of options of the policy `remote`. */
export interface ServerFlags {
  readonly server?: string;
  readonly tokenizer?: string;
  readonly model?: string;
}

/** Adds what says how a policy starts: all of `StartFlags` but the short forms, and the cache. */
export const addStartOptions = (command: Command): Command =>
  command
    .option(
      '--suite <suite>',
      'suite that says which policy and options (default: quick, for search the suite search)',
    )
    .option('--policy <id>', "policy (default: the suite's, or an untrained table), or a file of your own")
    .option('--set <key=value>', 'overrides a setting of the suite; may be given more than once', collect)
    .option('--backend <name>', 'tensor backend (see: creditbench doctor; default: wasm)')
    .option('--cache <folder>', 'where data and starting weights are kept', DEFAULT_CACHE);

/** Adds the short forms. */
export const addServerOptions = (command: Command): Command =>
  command
    .option('--server <url>', 'language model behind this server: --policy remote with that option')
    .option('--tokenizer <folder>', "with --server: the model's Hugging Face folder, or its tokenizer.json")
    .option('--model <name>', "with --server: the model's name there (default: its first)");

/**
 * The policy that flags name, and its options that have short forms.
 * @throws InputError when a short form is given with another policy.
 */
export function serverPolicy(flags: ServerFlags & { readonly policy?: string }): {
  readonly policy?: string;
  readonly options: Readonly<Record<string, string>>;
} {
  const options: Record<string, string> = {};
  for (const name of ['server', 'tokenizer', 'model'] as const) {
    if (flags[name] !== undefined) options[name] = flags[name];
  }
  const [given] = Object.keys(options);
  const policy = flags.policy ?? (flags.server === undefined ? undefined : 'remote');
  if (given !== undefined && policy !== 'remote') {
    const said = policy === undefined ? 'without --server' : `with --policy ${policy}`;
    throw new InputError(`--${given}: not valid ${said}; valid: --policy remote, which --server means`);
  }
  return { ...(policy === undefined ? {} : { policy }), options };
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
  const chosen = serverPolicy(flags);
  const short = Object.entries(chosen.options).map(
    ([key, text]) => `policy.options.${key}=${JSON.stringify(text)}`,
  );
  // What is set of a policy that --policy names is not about the suite's own.
  const isAboutPolicy = (setting: string): boolean =>
    chosen.policy !== undefined && /^policy\./.test(setting);
  const ofPolicy = [...short, ...(flags.set ?? []).filter(isAboutPolicy)];
  const others = (flags.set ?? []).filter((setting) => !isAboutPolicy(setting));
  // Nothing of it is computed here.
  const backend = chosen.policy === 'remote' ? 'wasm' : await checkBackend(flags.backend);
  const suiteName = flags.suite ?? (await defaultSuite(name));
  const load = (base: Catalog, overrides: SuiteOverrides) =>
    loadSuite(suiteName, base, {
      backend,
      onNotice: tellCode,
      ...overrides,
      set: [...others, ...(overrides.policy === undefined ? [] : ofPolicy)],
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
    if (chosen.policy === undefined) return { environment: found, catalog, backend };
    const other = await load(catalog, { policy: chosen.policy, environments: [nameOfChoice(found)] });
    return { environment: other.suite.environments[0]!, catalog: other.catalog, backend };
  }
  if (flags.suite !== undefined) {
    const valid = suite.environments.map(({ id }) => id).join(', ');
    throw new InputError(
      `--suite: suite ${suite.name} has no environment ${environment.id}; valid: ${valid}`,
    );
  }
  const { policy = 'tabular' } = chosen;
  const whole = await catalogWith([{ kind: 'policy', option: '--policy', names: [policy] }], catalog);
  return {
    environment: {
      ...environment,
      policy: choosePolicy(whole, policy, ofPolicy),
      training: trainingSchema.parse({}),
      warmStart: warmStartSchema.parse({ steps: 0 }),
    },
    catalog: whole,
    backend,
  };
}

/** A policy with the options that settings give it. @throws InputError when one is not valid. */
function choosePolicy(catalog: Catalog, name: string, settings: readonly string[]): Choice {
  const raw: { policy: { options: object } } = { policy: { options: {} } };
  for (const setting of settings) applySetting(raw, setting, () => undefined);
  const checked = checkValue(catalog.policy(name).schema, raw.policy.options, ['policy', 'options']);
  if ('value' in checked) return choose(catalog, 'policy', name, raw.policy.options);
  throw new InputError(
    checked.problems.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`).join('\n'),
  );
}
