import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createJiti, type Jiti } from 'jiti';
import { InputError } from '../../core/errors.ts';
import { type Catalog, type CatalogKind, createCatalog, type UserItem } from './catalog.ts';
import { codeGraph, hashFiles } from './code-hash.ts';

/** A name that stands for code of one's own. */
export interface CodeReference {
  readonly kind: CatalogKind;
  /** './mine.ts', './mine.ts#name', 'some-package#name'; without '#': the default export. */
  readonly source: string;
}

/** Whether a name stands for code of one's own: a path, a file name with an ending of code, or anything with a '#'. */
export const isCodeReference = (name: string): boolean =>
  name.includes('#') || /^\.{1,2}[\\/]|^[\\/]|^[A-Za-z]:[\\/]|\.[cm]?[jt]s$/.test(name);

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
  const own: UserItem[] = [...catalog.own];
  for (const { kind, source } of references) {
    if (own.some((one) => one.kind === kind && one.code.source === source)) continue;
    own.push(await loadItem({ kind, source }, options));
  }
  return createCatalog(catalog, own);
}

async function loadItem({ kind, source }: CodeReference, options: UserCodeOptions): Promise<UserItem> {
  const [name = '', exported = 'default'] = source.split('#', 2) as [string, string?];
  const jiti = createJiti(pathToFileURL(resolve('code')).href, {
    virtualModules: await provided(),
    // A file that has changed is another: nothing of its former content is taken for it.
    moduleCache: false,
  });
  const known = options.files?.[source];
  const file =
    known === undefined ? locate(name, source, options.folders ?? [process.cwd()], jiti) : resolve(known);
  if (!existsSync(file)) throw new InputError(`${kind} ${source}: there is no file ${file}`);
  options.onNotice?.(`${source} is code and runs with all your rights`);
  const hash = (): string => hashFiles(codeGraph([file]).files, dirname(file));
  const sha256 = hash();
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await jiti.import(file);
  } catch (error) {
    throw new InputError(`${kind} ${source} cannot be loaded: ${String(error)}`);
  }
  if (hash() !== sha256) throw new InputError(`${kind} ${source}: ${file} changed while it was loaded`);
  const item = module[exported];
  const problem = MISSING[kind](item as Readonly<Record<string, unknown>> | undefined);
  if (problem.length > 0) {
    throw new InputError(
      `${kind} ${source}: the export '${exported}' of ${basename(file)} is no ${kind}; missing: ${problem.join(', ')}`,
    );
  }
  return { kind, item, code: { source, sha256 }, file } as UserItem;
}

function locate(name: string, source: string, folders: readonly string[], jiti: Jiti): string {
  if (isAbsolute(name)) return name;
  if (isCodeReference(name)) {
    const candidates = folders.map((folder) => resolve(folder, name));
    const found = candidates.find((file) => existsSync(file));
    if (found === undefined) throw new InputError(`${source}: there is no file ${candidates.join(', nor ')}`);
    return found;
  }
  for (const folder of folders) {
    const url = jiti.esmResolve(name, { parentURL: pathToFileURL(join(folder, 'code')).href, try: true });
    if (url !== undefined) return url.startsWith('file:') ? fileURLToPath(url) : url;
  }
  throw new InputError(`${source}: package ${name} is not installed; valid: npm install ${name}`);
}

/** What users' code can import wherever it lies: the instances that run here, not copies of them. */
async function provided(): Promise<Record<string, unknown>> {
  const library = new URL(`../../index${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  return { creditbench: await import(library.href), zod: await import('zod') };
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
