import type { Document, LineCounter } from 'yaml';
import { InputError } from '../../core/errors.ts';
import { type CodeReference, isCodeReference } from '../catalog/user-code.ts';
import type { SuiteSource } from './file.ts';
import { applySetting, nameOf, type Override } from './override.ts';
import { describeOffset, type Path, valueAt } from './problems.ts';
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
 * @param all ids of all algorithms, for suites that say `all`.
 * @throws InputError when the text is no YAML mapping, or an override leads nowhere.
 */
export function readRaw(source: SuiteSource, overrides: SuiteOverrides, all: readonly string[]): RawSuite {
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
  return { raw, document: document!, lines, applied: applyOverrides(raw, overrides, all) };
}

function applyOverrides(raw: Plain, overrides: SuiteOverrides, all: readonly string[]): readonly Override[] {
  const applied: Override[] = [];
  expandShorthand(raw, all);
  for (const list of ['algorithms', 'environments'] as const) {
    const names = overrides[list];
    if (names === undefined) continue;
    raw[list] = selected(raw[list], names);
    for (const [index, name] of names.entries()) {
      applied.push({ path: [list, index, 'id'], label: `--${list.slice(0, -1)} ${name}` });
    }
  }
  if (overrides.policy !== undefined) {
    const label = `--policy ${overrides.policy}`;
    raw.policy = { id: overrides.policy };
    applied.push({ path: ['policy'], label });
    // Their own: what the suite says of starting weights is about other policies.
    for (const [index, entry] of entriesOf(raw.environments).entries()) {
      entry.policy = { id: overrides.policy };
      applied.push({ path: ['environments', index, 'policy'], label });
    }
  }
  for (const setting of overrides.set ?? []) {
    applied.push(applySetting(raw, setting));
    expandShorthand(raw, all);
  }
  if (overrides.seeds !== undefined) {
    raw.seeds = overrides.seeds;
    applied.push({ path: ['seeds'], label: `--seeds ${overrides.seeds}` });
  }
  return applied;
}

/** The entries of those names; a new one for a name that no entry has. */
function selected(list: unknown, names: readonly string[]): readonly unknown[] {
  const entries = entriesOf(list);
  return names.map(
    (name) =>
      entries.find((entry) => nameOf(entry, '') === name) ??
      entries.find(({ id }) => id === name || (typeof id === 'string' && id.split('/v')[0] === name)) ?? {
        id: name,
      },
  );
}

const entriesOf = (list: unknown): readonly Plain[] =>
  (Array.isArray(list) ? list : []).filter(
    (entry) => entry !== null && typeof entry === 'object' && !Array.isArray(entry),
  );

/**
 * Every name in a suite that stands for code of one's own, each once.
 * @param all ids of all algorithms, for suites that say `all`.
 */
export function suiteReferences(
  source: SuiteSource,
  overrides: SuiteOverrides,
  all: readonly string[],
): readonly CodeReference[] {
  const { raw } = readRaw(source, overrides, all);
  const environments = entriesOf(raw.environments);
  const policies = [raw, ...environments].flatMap(({ policy }) => entriesOf([policy]));
  const named = (kind: CodeReference['kind'], entries: readonly Plain[]): readonly CodeReference[] =>
    entries.flatMap(({ id }) =>
      typeof id === 'string' && isCodeReference(id) ? [{ kind, source: id }] : [],
    );
  const found = [
    ...named('algorithm', entriesOf(raw.algorithms)),
    ...named('environment', environments),
    ...named('policy', policies),
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
