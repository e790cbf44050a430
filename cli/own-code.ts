import type { Catalog, CatalogKind } from '../bench/catalog/catalog.ts';
import { isCodeReference } from '../bench/catalog/source.ts';
import { withUserCode } from '../bench/catalog/user-code.ts';
import { CATALOG } from '../catalog.ts';
import { InputError } from '../core/errors.ts';
import { tell } from './terminal.ts';

/** What an option of a command names. */
export interface NamedItems {
  readonly kind: CatalogKind;
  /** How to name the option in messages: '--algorithm'. */
  readonly option: string;
  readonly names: readonly string[];
}

/** Says that something is run as code. */
export const tellCode = (message: string): void => tell(`note: ${message}\n`);

/**
 * Everything registered (or what else is there already), and the users' own code that options name, from the working folder.
 * @throws InputError beginning with the option when a name is not known, or its file cannot be loaded.
 */
export async function catalogWith(items: readonly NamedItems[], base: Catalog = CATALOG): Promise<Catalog> {
  let catalog = base;
  for (const { kind, option, names } of items) {
    for (const name of names) {
      if (isCodeReference(name)) {
        const reference = { kind, source: name, where: option };
        catalog = await withUserCode(catalog, [reference], { onNotice: tellCode });
      } else {
        checkName(catalog, kind, name, option);
      }
    }
  }
  return catalog;
}

function checkName(catalog: Catalog, kind: CatalogKind, name: string, option: string): void {
  try {
    catalog[kind](name);
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${option}: ${error.message}`) : error;
  }
}

/** Ids of the algorithms that an option names: `all`, or no option at all, are those that come with creditbench. */
export function algorithmNames(option: readonly string[] = ['all']): readonly string[] {
  const all = CATALOG.algorithms.map(({ id }) => id);
  return [...new Set(option.flatMap((name) => (name === 'all' ? all : [name])))];
}
