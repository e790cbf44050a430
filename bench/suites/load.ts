import { dirname } from 'node:path';
import { blaming } from '../catalog/blame.ts';
import { type Catalog, ownItem } from '../catalog/catalog.ts';
import { type CodeReference, withUserCode } from '../catalog/user-code.ts';
import type { CodeFiles, NamedCell } from '../cell.ts';
import { withInputs } from '../training/inputs.ts';
import { readSuite } from './file.ts';
import { type SuiteOverrides, suiteReferences } from './raw.ts';
import { resolveSuite, type Suite, suiteCells } from './suite.ts';

/** A suite that can run: valid and complete, with the users' own code that it names. */
export interface LoadedSuite {
  readonly suite: Suite;
  /** With the users' own code. */
  readonly catalog: Catalog;
  /** By environment, then algorithm, then seed, with the hashes of the files that they read. */
  readonly cells: readonly NamedCell[];
  /** Where the users' own code lies. */
  readonly code: CodeFiles;
}

/**
 * Reads, completes and checks a suite, and loads the users' own code: what the suite names from beside its file, what the
 * overrides add to it from the working folder.
 * @param nameOrFile a built-in suite by its name, any other by the path of its file.
 * @throws InputError when the suite is not there or not valid, or something that it names cannot be read or loaded.
 */
export async function loadSuite(
  nameOrFile: string,
  catalog: Catalog,
  { onNotice, ...overrides }: SuiteOverrides & { onNotice?(message: string): void } = {},
): Promise<LoadedSuite> {
  const source = await readSuite(nameOrFile);
  const notice = onNotice === undefined ? {} : { onNotice };
  // What the suite's text names lies beside it; what the overrides add, in the working folder.
  const ofSuite = suiteReferences(source, {}, catalog);
  const isOfSuite = ({ kind, source: name }: CodeReference): boolean =>
    ofSuite.some((one) => one.kind === kind && one.source === name);
  let own = catalog;
  // A setting may name what is loaded by its id, and name more: until nothing is added.
  for (;;) {
    const loaded = own;
    const isNew = ({ kind, source: name }: CodeReference) => ownItem(loaded, kind, name) === undefined;
    const wanted = suiteReferences(source, overrides, own).filter(isNew);
    if (wanted.length === 0) break;
    const folders = [dirname(source.file)];
    own = await withUserCode(own, wanted.filter(isOfSuite), { folders, ...notice });
    own = await withUserCode(
      own,
      wanted.filter((one) => !isOfSuite(one)),
      notice,
    );
  }
  return blaming(own, async () => {
    const suite = resolveSuite(source, own, overrides);
    return {
      suite,
      catalog: own,
      cells: await withInputs(suiteCells(suite), own),
      code: Object.fromEntries(own.own.map(({ code, file }) => [code.source, file])),
    };
  });
}
