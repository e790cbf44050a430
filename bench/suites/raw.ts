import type { Document, LineCounter } from 'yaml';
import { InputError } from '../../core/errors.ts';
import { type Catalog, ownItem } from '../catalog/catalog.ts';
import { isCodeReference } from '../catalog/source.ts';
import type { CodeReference } from '../catalog/user-code.ts';
import type { SuiteSource } from './file.ts';
import { applySetting, nameOf, type Override } from './override.ts';
import { describeOffset, offsetOf, type Path, valueAt } from './problems.ts';
import { expandShorthand } from './shorthand.ts';
import { readYaml } from './yaml.ts';

/** What a command line or a caller says on top of a suite. */
export interface SuiteOverrides {
  /**
   * Only these algorithms, by the name or id of an entry, by the id of a registered one, or by the source of one's own:
   * './mine.ts'. Entries of the suite keep their options.
   */
  readonly algorithms?: readonly string[];
  /** Only these environments, likewise. */
  readonly environments?: readonly string[];
  /** The policy of all environments, by id or source. */
  readonly policy?: string;
  /** `key=value` settings, applied in order after these. */
  readonly set?: readonly string[];
  /** Number of seeds. */
  readonly seeds?: number;
  /** Tensor backend. Default 'wasm'. */
  readonly backend?: string;
}

export type Plain = Record<string, unknown>;

/** A suite as it is written, shorthand expanded and overrides applied; not validated. */
export interface RawSuite {
  readonly raw: Plain;
  readonly document: Document;
  readonly lines: LineCounter;
  readonly applied: readonly Override[];
}

/**
 * Parses a suite and applies overrides.
 * @param catalog its algorithms are those of suites that say `all`; the users' own in it are known by their ids, too.
 * @throws InputError when the text is no YAML mapping, or an override leads nowhere. One that may lead to something of a
 *   user's own which the catalog does not have yet is left out.
 */
export function readRaw(source: SuiteSource, overrides: SuiteOverrides, catalog: Catalog): RawSuite {
  const { value: data, document, lines, problems } = readYaml(source.text);
  if (problems.length > 0) {
    throw new InputError(
      problems
        .map(({ offset, message }) => `${describeOffset(source.file, lines, offset)}: ${message}`)
        .join('\n'),
    );
  }
  if (data === null || typeof data !== 'object' || Array.isArray(data)) {
    throw new InputError(
      `${source.file}:1:1: not a suite; valid: a mapping with name, environments, policy, …`,
    );
  }
  const raw = data as Plain;
  return { raw, document: document!, lines, applied: applyOverrides(raw, overrides, catalog) };
}

function applyOverrides(raw: Plain, overrides: SuiteOverrides, catalog: Catalog): readonly Override[] {
  const applied: Override[] = [];
  const all = catalog.algorithms.map(({ id }) => id);
  const idOf = (list: string, source: string): string | undefined =>
    list === 'algorithms' || list === 'environments'
      ? ownItem(catalog, KINDS[list], source)?.item.id
      : undefined;
  expandShorthand(raw, all);
  for (const list of ['algorithms', 'environments'] as const) {
    const given = overrides[list];
    if (given === undefined) continue;
    const names = list === 'algorithms' ? withAll(given, all) : given;
    raw[list] = selected(raw[list], names, KINDS[list], catalog);
    for (const [index, name] of names.entries()) {
      applied.push({ path: [list, index, 'id'], label: `--${list.slice(0, -1)} ${name}` });
    }
  }
  if (overrides.policy !== undefined) {
    const label = `--policy ${overrides.policy}`;
    // One and the same: what is then set of it holds for all environments.
    const chosen = { id: overrides.policy, options: {} };
    raw.policy = chosen;
    applied.push({ path: ['policy'], label });
    // Their own: what the suite says of starting weights is about other policies.
    for (const [index, entry] of entriesOf(raw.environments).entries()) {
      entry.policy = chosen;
      applied.push({ path: ['environments', index, 'policy'], label });
    }
  }
  for (const setting of overrides.set ?? []) {
    const override = applySetting(raw, setting, idOf);
    if (override !== undefined) applied.push(override);
    expandShorthand(raw, all);
  }
  if (overrides.seeds !== undefined) {
    raw.seeds = overrides.seeds;
    applied.push({ path: ['seeds'], label: `--seeds ${overrides.seeds}` });
  }
  return applied;
}

/** What the entries of the lists are. */
const KINDS = { algorithms: 'algorithm', environments: 'environment' } as const;

/** `all` stands for every algorithm that comes with creditbench, each once. */
const withAll = (names: readonly string[], all: readonly string[]): readonly string[] =>
  names.includes('all') ? [...new Set(names.flatMap((name) => (name === 'all' ? all : [name])))] : names;

/**
 * The entries of those names; a new one for a name that no entry has. For a name that nothing has that is known, all
 * entries of a user's own that are not loaded yet: one of them may have it.
 */
function selected(
  list: unknown,
  names: readonly string[],
  kind: (typeof KINDS)[keyof typeof KINDS],
  catalog: Catalog,
): readonly unknown[] {
  const entries = entriesOf(list);
  const idOf = ({ id }: Plain): string =>
    typeof id === 'string' ? (ownItem(catalog, kind, id)?.item.id ?? id) : '';
  const open = entries.filter(
    ({ id }) => typeof id === 'string' && isCodeReference(id) && ownItem(catalog, kind, id) === undefined,
  );
  const registered = kind === 'algorithm' ? catalog.algorithms : catalog.environments;
  return names.flatMap((name): readonly unknown[] => {
    const matches = (id: string): boolean => id === name || id.split('/v')[0] === name;
    const found =
      entries.find((entry) => nameOf(entry, '') === name) ?? entries.find((entry) => matches(idOf(entry)));
    if (found !== undefined) return [found];
    const isKnown = isCodeReference(name) || registered.some(({ id }) => matches(id));
    return isKnown || open.length === 0 ? [{ id: name }] : open;
  });
}

const entriesOf = (list: unknown): readonly Plain[] =>
  (Array.isArray(list) ? list : []).filter(
    (entry) => entry !== null && typeof entry === 'object' && !Array.isArray(entry),
  );

/**
 * Every name in a suite that stands for code of one's own, each once, and where it stands.
 * @param catalog what is there already, as in `readRaw`.
 */
export function suiteReferences(
  source: SuiteSource,
  overrides: SuiteOverrides,
  catalog: Catalog,
): readonly CodeReference[] {
  const suite = readRaw(source, overrides, catalog);
  const named = (kind: CodeReference['kind'], entry: Path): readonly CodeReference[] => {
    const path = [...entry, 'id'];
    const id = valueAt(suite.raw, path);
    if (typeof id !== 'string' || !isCodeReference(id)) return [];
    return [{ kind, source: id, where: locate(path, source, suite).where }];
  };
  const entries = (list: keyof typeof KINDS): readonly Path[] => {
    const value = suite.raw[list];
    return Array.isArray(value) ? [...value.keys()].map((index) => [list, index]) : [];
  };
  const environments = entries('environments');
  const found = [
    ...entries('algorithms').flatMap((path) => named('algorithm', path)),
    ...environments.flatMap((path) => named('environment', path)),
    ...[[], ...environments].flatMap((path) => named('policy', [...path, 'policy'])),
  ];
  return found.filter(
    (one, index) =>
      found.findIndex(({ kind, source: other }) => kind === one.kind && other === one.source) === index,
  );
}

/** A path as `--set` would write it: list entries by their names. */
export function pathName(raw: Plain, path: Path): string {
  return path
    .map((key, i) => {
      if (typeof key !== 'number') return String(key);
      return nameOf(valueAt(raw, path.slice(0, i + 1)), String(key));
    })
    .join('.');
}

/** Where a value was given: the option, or else file, line and column. */
export function locate(
  path: Path,
  source: SuiteSource,
  { document, lines, applied }: RawSuite,
): { readonly offset: number; readonly where: string } {
  const override = applied.findLast((candidate) => candidate.path.every((key, i) => key === path[i]));
  if (override) return { offset: Number.MAX_SAFE_INTEGER, where: override.label };
  const offset = offsetOf(document, path);
  return { offset, where: describeOffset(source.file, lines, offset) };
}
