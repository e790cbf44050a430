import { createHash } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import { InputError } from '../../core/errors.ts';
import { type Catalog, type CatalogKind, createCatalog, ownItem, type UserItem } from './catalog.ts';
import { codeGraph, hashFiles } from './code-hash.ts';
import { createImporter, type Exports, PROVIDED } from './import-code.ts';
import { parseSource, type Source } from './source.ts';

/** A name that stands for code of one's own. */
export interface CodeReference {
  readonly kind: CatalogKind;
  /** './mine.ts', './mine.ts#name', 'some-package#name'; without '#': the default export. */
  readonly source: string;
  /** Where it is named, for messages: 'suite.yaml:3:5', '--algorithm'. Default: nowhere. */
  readonly where?: string;
}

export interface UserCodeOptions {
  /** Folders where files and packages are looked for, in this order. Default: the working folder. */
  readonly folders?: readonly string[];
  /** The files of sources that an earlier catalog has found (`UserItem.file`). */
  readonly files?: Readonly<Record<string, string>>;
  /** Called once for every source, to say that it is code that runs with the rights of this process. */
  onNotice?(message: string): void;
}

/**
 * The catalog with code of one's own beside what it has. Files (.ts, .js, .mjs) and installed packages are run as code,
 * with all the rights of this process; they may import 'creditbench' and 'zod' wherever they lie.
 * @throws InputError naming the source that is not there, cannot be loaded, or exports nothing of that kind.
 */
export async function withUserCode(
  catalog: Catalog,
  references: readonly CodeReference[],
  options: UserCodeOptions = {},
): Promise<Catalog> {
  let found = catalog;
  for (const reference of references) {
    if (ownItem(found, reference.kind, reference.source) !== undefined) continue;
    found = createCatalog(catalog, [...found.own, await loadItem(reference, options)]);
  }
  return found;
}

async function loadItem(reference: CodeReference, options: UserCodeOptions): Promise<UserItem> {
  const { kind, source, where } = reference;
  try {
    return await loadSource(kind, source, options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!(error instanceof InputError) && code === undefined) throw error;
    const what = `${kind} ${source}`;
    // An option that was given for this name says it already.
    const place = where === undefined ? what : where.endsWith(source) ? where : `${where}: ${what}`;
    throw new InputError(`${place}: ${message}`);
  }
}

async function loadSource(kind: CatalogKind, source: string, options: UserCodeOptions): Promise<UserItem> {
  const { module, exported } = parseSource(source);
  const importer = await createImporter();
  const known = options.files?.[source];
  const file =
    known === undefined
      ? importer.locate(module, options.folders ?? [process.cwd()])
      : importer.locate(resolve(known), []);
  options.onNotice?.(`${source} is code and runs with all your rights`);
  const sha256 = hashOf(file, exported);
  let exports: Exports;
  try {
    exports = await importer.load(file);
  } catch (error) {
    throw new InputError(`${file} cannot be loaded: ${String(error)}`);
  }
  if (hashOf(file, exported) !== sha256) throw new InputError(`${file} changed while it was loaded`);
  const item = exports[exported];
  const problem = MISSING[kind](item as Candidate);
  if (problem.length > 0) {
    throw new InputError(
      `the export '${exported}' of ${basename(file)} is no ${kind}; missing: ${problem.join(', ')}`,
    );
  }
  return { kind, item, code: { source, sha256 }, file } as UserItem;
}

/**
 * SHA-256 of what an export may depend on: its name, the contents of the file and of all that it imports from beside it, and the
 * versions of the packages that these import. Not the file's own name.
 */
function hashOf(file: string, exported: Source['exported']): string {
  const graph = codeGraph([file]);
  const versions = graph.versions().filter((one) => !PROVIDED.includes(one.slice(0, one.lastIndexOf('@'))));
  const files = hashFiles(graph.files, dirname(file), file);
  return createHash('sha256')
    .update(JSON.stringify([exported, files, versions]))
    .digest('hex');
}

type Candidate = Readonly<Record<string, unknown>> | undefined;

/** Ids stand in tables, file names and paths of settings. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_+/-]{0,99}$/;

const lacksId = (item: Candidate): readonly string[] =>
  typeof item?.id === 'string' && ID.test(item.id) ? [] : ['id (letters, digits, _ + - and /)'];

const lacks = (item: Candidate, type: string, names: readonly string[]): readonly string[] =>
  names.filter((name) => typeof item?.[name] !== type);

const lacksSchema = (item: Candidate): readonly string[] =>
  typeof (item?.schema as { safeParse?: unknown } | undefined)?.safeParse === 'function'
    ? []
    : ['schema (a zod schema)'];

/** What something lacks to be of a kind. */
const MISSING: Readonly<Record<CatalogKind, (item: Candidate) => readonly string[]>> = {
  algorithm: (item) => [
    ...lacksId(item),
    ...lacksSchema(item),
    ...((item?.description as { granularity?: unknown } | undefined)?.granularity === undefined
      ? ['description.granularity']
      : []),
    ...lacks(item, 'function', ['next', 'credit', 'objective', 'budget']),
  ],
  environment: (item) => [...lacksId(item), ...lacksSchema(item), ...lacks(item, 'function', ['load'])],
  policy: (item) => [
    ...lacksId(item),
    ...lacksSchema(item),
    ...lacks(item, 'boolean', ['restorable']),
    ...lacks(item, 'function', ['assets', 'create']),
  ],
};
