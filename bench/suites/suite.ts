import type { AlgorithmDescription } from '../../algorithms/algorithm.ts';
import { InputError } from '../../core/errors.ts';
import { type Catalog, type CatalogKind, nameOfChoice, ownItem } from '../catalog/catalog.ts';
import type { Cell, Choice, NamedCell } from '../cell.ts';
import type { TrainingOptions, WarmStartOptions } from '../training/options.ts';
import type { SuiteSource } from './file.ts';
import { nameOf } from './override.ts';
import { checkValue, type Path, type Problem, valueAt } from './problems.ts';
import { locate, type Plain, pathName, readRaw, type SuiteOverrides } from './raw.ts';
import { suiteSchema } from './schema.ts';
import { environmentSettings } from './settings.ts';

/** A run keeps its cells in memory. A suite that takes days has some hundreds. */
const MAX_CELLS = 100_000;

/** An algorithm of a suite: ids resolved, options complete. */
export interface SuiteAlgorithm extends Choice {
  readonly name: string;
  /** How it describes itself, for reports. */
  readonly description?: AlgorithmDescription;
  /** Its own learning rate, used instead of `training.learningRate` with `rates: own`. */
  readonly ownRate: number | undefined;
  readonly noiseStream?: string | undefined;
}

/** An environment of a suite, and what its cells are trained with. */
export interface SuiteEnvironment extends Choice {
  readonly policy: Choice;
  readonly training: TrainingOptions;
  readonly warmStart: WarmStartOptions;
}

/** A suite that is valid and complete. */
export interface Suite {
  readonly name: string;
  readonly description: string;
  readonly environments: readonly SuiteEnvironment[];
  readonly policy: Choice;
  readonly algorithms: readonly SuiteAlgorithm[];
  readonly seeds: number;
  readonly rates: 'common' | 'own';
  readonly training: TrainingOptions;
  readonly warmStart: WarmStartOptions;
  readonly backend: string;
}

/**
 * Parses, overrides, validates and completes a suite.
 *
 * @throws InputError with one line per problem, each with file, line and column (or the override it came from),
 *   the value and the valid range.
 */
export function resolveSuite(source: SuiteSource, catalog: Catalog, overrides: SuiteOverrides = {}): Suite {
  const suite = readRaw(source, overrides, catalog);
  const { raw } = suite;
  const shape = checkValue(suiteSchema, raw);
  const problems: Problem[] = 'problems' in shape ? [...shape.problems] : [];
  const resolve = (path: Path, kind: CatalogKind, rollouts?: number): Choice => {
    const found = resolveChoice(raw, path, kind, catalog, rollouts);
    if ('problems' in found) problems.push(...found.problems);
    return 'value' in found ? found.value : { id: '', options: {} };
  };
  const policy = resolve(['policy'], 'policy');
  const environments = indexes(raw.environments).map((i): SuiteEnvironment => {
    const path: Path = ['environments', i];
    const environment = resolve(path, 'environment');
    const named = valueAt(raw, [...path, 'policy']);
    // What --policy names is one and the same.
    const isOwn = named !== undefined && named !== raw.policy;
    const own = isOwn ? resolve([...path, 'policy'], 'policy') : policy;
    const settings = environmentSettings(
      raw,
      path,
      own.id === '' ? undefined : catalog.policy(nameOfChoice(own)),
      environment.id === '' ? undefined : catalog.environment(nameOfChoice(environment)),
    );
    problems.push(...settings.problems);
    return { ...environment, policy: own, ...settings.values };
  });
  const rollouts = 'value' in shape ? shape.value.rollouts : undefined;
  const algorithms = indexes(raw.algorithms).map((i) => resolve(['algorithms', i], 'algorithm', rollouts));
  problems.push(
    ...repeated(
      environments.map(({ id }) => id),
      'environments',
      'id',
    ),
  );
  const names = indexes(raw.algorithms).map((i) => {
    const entry = (raw.algorithms as readonly Plain[])[i];
    // A user's own is named by its id, unless the suite names it.
    return entry?.name === undefined && algorithms[i]!.code !== undefined
      ? algorithms[i]!.id
      : nameOf(entry, '');
  });
  problems.push(...repeated(names, 'algorithms', 'name'));

  if (problems.length > 0 || !('value' in shape)) {
    const described = problems
      .map((problem) => ({
        ...locate(problem.path, source, suite),
        text: `${pathName(raw, problem.path)}: ${problem.message}`,
      }))
      .sort((a, b) => a.offset - b.offset);
    throw new InputError([...new Set(described.map(({ where, text }) => `${where}: ${text}`))].join('\n'));
  }
  const { value } = shape;
  const cells = environments.length * algorithms.length * value.seeds;
  if (cells > MAX_CELLS) {
    throw new InputError(
      `${source.file}: ${cells} cells (environments x algorithms x seeds); valid: at most ${MAX_CELLS}`,
    );
  }
  return {
    ...value,
    environments,
    policy,
    algorithms: algorithms.map((choice, i) => ({
      name: names[i]!,
      ...choice,
      description: catalog.algorithm(nameOfChoice(choice)).description,
      ownRate: value.algorithms[i]!.learningRate,
      noiseStream: value.algorithms[i]!.noiseStream,
    })),
    backend: overrides.backend ?? 'wasm',
  };
}

/** The cells of a suite: by environment, then algorithm, then seed. */
export function suiteCells(suite: Suite): readonly NamedCell[] {
  const seeds = Array.from({ length: suite.seeds }, (_, seed) => seed);
  return suite.environments.flatMap((environment) =>
    suite.algorithms.flatMap(({ name, ownRate, noiseStream, ...algorithm }) =>
      seeds.map((seed) => {
        const { training } = environment;
        const cell: Cell = {
          environment: choiceOf(environment),
          policy: environment.policy,
          algorithm: choiceOf(algorithm),
          training:
            suite.rates === 'own' && ownRate !== undefined
              ? { ...training, learningRate: ownRate }
              : training,
          warmStart: environment.warmStart,
          seed,
          ...(noiseStream === undefined ? {} : { noiseStream }),
          backend: suite.backend,
        };
        return { name, cell };
      }),
    ),
  );
}

/** The choice alone, without what a suite says besides. */
const choiceOf = ({ id, options, code }: Choice): Choice => ({
  id,
  options,
  ...(code === undefined ? {} : { code }),
});

const indexes = (list: unknown): readonly number[] => (Array.isArray(list) ? [...list.keys()] : []);

/** Finds what a choice names and completes its options. The schema reports a choice without a valid shape. */
function resolveChoice(
  raw: Plain,
  path: Path,
  kind: CatalogKind,
  catalog: Catalog,
  rollouts: number | undefined,
): { readonly value: Choice } | { readonly problems: readonly Problem[] } {
  const id = valueAt(raw, [...path, 'id']);
  if (typeof id !== 'string' || id === '') return { problems: [] };
  let entry: ReturnType<Catalog[CatalogKind]>;
  try {
    entry = catalog[kind](id);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { problems: [{ path: [...path, 'id'], message: error.message }] };
  }
  const options = valueAt(raw, [...path, 'options']) ?? {};
  if (typeof options !== 'object' || Array.isArray(options)) return { problems: [] };
  const budget = rollouts !== undefined && 'budget' in entry ? entry.budget(rollouts) : {};
  const checked = checkValue<unknown>(entry.schema, { ...budget, ...options }, [...path, 'options']);
  if ('problems' in checked) return checked;
  const own = ownItem(catalog, kind, id);
  return {
    value: {
      id: entry.id,
      options: checked.value as Choice['options'],
      ...(own === undefined ? {} : { code: own.code }),
    },
  };
}

function repeated(names: readonly string[], list: string, key: string): readonly Problem[] {
  return names.flatMap((name, i) =>
    name !== '' && names.indexOf(name) < i
      ? [
          {
            path: [list, i, key],
            message: `'${name}' is there twice; valid: a different ${key} for every entry`,
          },
        ]
      : [],
  );
}
