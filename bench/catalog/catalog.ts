import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { InputError } from '../../core/errors.ts';
import type { AnyEnvironmentSpec } from '../../envs/spec.ts';
import type { AnyPolicySpec } from '../../policies/spec.ts';
import type { Choice, CodeIdentity } from '../cell.ts';

/** What a catalog holds, by kind. */
export interface CatalogItems {
  readonly algorithm: AnyAlgorithm;
  readonly environment: AnyEnvironmentSpec;
  readonly policy: AnyPolicySpec;
}

export type CatalogKind = keyof CatalogItems;

/** A user's own algorithm, environment or policy. */
export interface UserItem<Kind extends CatalogKind = CatalogKind> {
  readonly kind: Kind;
  readonly item: CatalogItems[Kind];
  readonly code: CodeIdentity;
  /** The file it was loaded from, absolute. */
  readonly file: string;
}

/**
 * What suites and commands can name: everything registered, and a user's own. Handed down from whoever starts a run;
 * no room below looks anything up elsewhere. Lookups throw an InputError that lists the valid ids.
 */
export interface Catalog {
  /** The registered ones, in alphabetical order. */
  readonly algorithms: readonly AnyAlgorithm[];
  readonly environments: readonly AnyEnvironmentSpec[];
  readonly policies: readonly AnyPolicySpec[];
  /** A user's own, in the order in which they were loaded. */
  readonly own: readonly UserItem[];
  /** By id, or by the source of a user's own. */
  algorithm(name: string): AnyAlgorithm;
  /** The same; an id without its version means the newest. */
  environment(name: string): AnyEnvironmentSpec;
  policy(name: string): AnyPolicySpec;
}

/** A catalog of these. */
export function createCatalog(
  items: Pick<Catalog, 'algorithms' | 'environments' | 'policies'>,
  own: readonly UserItem[] = [],
): Catalog {
  const find = <Kind extends CatalogKind>(
    kind: Kind,
    name: string,
    known: readonly CatalogItems[Kind][],
  ): CatalogItems[Kind] => {
    const found =
      ownItem({ own }, kind, name)?.item ??
      known.find(({ id }) => id === name) ??
      known
        .filter(({ id }) => id.split('/v')[0] === name)
        .sort((a, b) => versionOf(b.id) - versionOf(a.id))[0];
    if (found !== undefined) return found;
    const valid = known.map(({ id }) => id).join(', ');
    throw new InputError(`unknown ${kind} '${name}'; valid: ${valid}, or your own: ./file.ts, package#name`);
  };
  return {
    ...items,
    own,
    algorithm: (name) => find('algorithm', name, items.algorithms),
    environment: (name) => find('environment', name, items.environments),
    policy: (name) => find('policy', name, items.policies),
  };
}

/** A user's own of a kind, by its source; undefined if it is not loaded. */
export const ownItem = <Kind extends CatalogKind>(
  { own }: Pick<Catalog, 'own'>,
  kind: Kind,
  source: string,
): UserItem<Kind> | undefined =>
  own.find((one): one is UserItem<Kind> => one.kind === kind && one.code.source === source);

const versionOf = (id: string): number => Number(id.split('/v')[1]);

/** The name by which a catalog finds a choice: the source of a user's own, or else the id. */
export const nameOfChoice = ({ id, code }: Pick<Choice, 'id' | 'code'>): string => code?.source ?? id;

/**
 * What a cell records for a name: the id with its version, complete options, and the identity of a user's code.
 * @param options what differs from the defaults.
 * @throws InputError when the name is not known; ZodError when an option is not valid.
 */
export function choose(catalog: Catalog, kind: CatalogKind, name: string, options: object = {}): Choice {
  const { id, schema } = catalog[kind](name);
  const own = ownItem(catalog, kind, name);
  return {
    id,
    options: schema.parse(options) as Choice['options'],
    ...(own === undefined ? {} : { code: own.code }),
  };
}
