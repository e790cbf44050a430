import type { Catalog, CatalogKind } from '../bench/catalog/catalog.ts';
import { isCodeReference, withUserCode } from '../bench/catalog/user-code.ts';
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
 * Everything registered, and the users' own code that options name, from the working folder.
 * @throws InputError beginning with the option when a name is not known, or its file cannot be loaded.
 */
export async function catalogWith(items: readonly NamedItems[]): Promise<Catalog> {
  let catalog = CATALOG;
  for (const { kind, option, names } of items) {
    for (const name of names) {
      catalog = await naming(option, async () => {
        if (!isCodeReference(name)) catalog[kind](name);
        const references = isCodeReference(name) ? [{ kind, source: name }] : [];
        return withUserCode(catalog, references, { onNotice: tellCode });
      });
    }
  }
  return catalog;
}

async function naming<Value>(option: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw named(option, error);
  }
}

const named = (option: string, error: unknown): unknown =>
  error instanceof InputError ? new InputError(`${option}: ${error.message}`) : error;
