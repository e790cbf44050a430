import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** What follows `from`, `import`, `import(` or `require(` as a text. Over-reads: a comment may name a file, too. */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire(?:\.resolve)?\s*\(\s*)(['"`])([^'"`\n]+)\1/g;

const TYPES = ['.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'];
const ENDINGS = ['', ...TYPES, ...TYPES.map((type) => `/index${type}`)];

/** The code that a file runs: itself and what it imports from beside it, and the packages that these import. */
export interface CodeGraph {
  /** Absolute paths, the first file first. */
  readonly files: readonly string[];
  /** Names of the packages, sorted. Node's own are not among them. */
  readonly packages: readonly string[];
  /** `name@version` of every package that is installed where a file imports it, sorted. */
  versions(): readonly string[];
}

/**
 * Follows relative imports, with an ending left out or `.js` written for `.ts`, and aliases (`#name`, the "imports" of the
 * nearest package.json). Imports by computed names are not seen.
 */
export function codeGraph(entries: readonly string[]): CodeGraph {
  const files = new Set(entries);
  /** By package the folders that it is imported from. */
  const packages = new Map<string, Set<string>>();
  for (const file of files) {
    if (file.endsWith('.json')) continue;
    const folder = dirname(file);
    for (const [, , name] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      for (const target of name!.startsWith('#') ? aliasTargets(name!, folder) : [name!]) {
        if (/^\.|^\//.test(target)) {
          for (const found of candidates(resolve(folder, target))) files.add(found);
        } else if (!target.startsWith('node:')) {
          const parts = target.split('/').slice(0, target.startsWith('@') ? 2 : 1);
          const from = packages.get(parts.join('/')) ?? new Set();
          packages.set(parts.join('/'), from.add(folder));
        }
      }
    }
  }
  return {
    files: [...files],
    packages: [...packages.keys()].sort(),
    versions: () => {
      const found = [...packages].flatMap(([name, folders]) =>
        [...folders].flatMap((folder) => {
          const version = installedVersion(name, folder);
          return version === undefined ? [] : [`${name}@${version}`];
        }),
      );
      return [...new Set(found)].sort();
    },
  };
}

/** Every file that a path may mean: which of `x.ts` and `x.js` is run is the loader's choice, so both count. */
function candidates(path: string): readonly string[] {
  const paths = [...ENDINGS.map((ending) => path + ending), path.replace(/\.([cm]?)js$/, '.$1ts')];
  return paths.filter((file) => existsSync(file) && statSync(file).isFile());
}

/**
 * What an alias may mean, as absolute paths or names of packages: the targets of all its conditions, since which of them
 * holds is the loader's choice.
 */
function aliasTargets(alias: string, folder: string): readonly string[] {
  const home = ancestors(folder).find((parent) => existsSync(join(parent, 'package.json')));
  if (home === undefined) return [];
  const { imports } = readManifest(join(home, 'package.json'));
  if (typeof imports !== 'object' || imports === null) return [];
  return Object.entries(imports).flatMap(([key, value]) => {
    const [before, after] = key.split('*', 2) as [string, string?];
    const isMeant =
      after === undefined
        ? key === alias
        : alias.startsWith(before) && alias.endsWith(after) && alias.length >= before.length + after.length;
    if (!isMeant) return [];
    const part = after === undefined ? '' : alias.slice(before.length, alias.length - after.length);
    return texts(value).map((target) => {
      const named = target.replaceAll('*', part);
      return named.startsWith('.') ? resolve(home, named) : named;
    });
  });
}

/** All texts in a value: a target, a list of them, or targets by condition. */
function texts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

/** The version of a package as an import from a folder finds it; undefined if it is not installed. */
function installedVersion(name: string, folder: string): string | undefined {
  const manifest = ancestors(folder)
    .map((parent) => join(parent, 'node_modules', name, 'package.json'))
    .find((file) => existsSync(file));
  if (manifest === undefined) return undefined;
  const { version } = readManifest(manifest);
  return typeof version === 'string' ? version : undefined;
}

/** A folder and those that it lies in, from the inside out. */
function ancestors(folder: string): readonly string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}

/** A package.json; nothing where it cannot be read: whoever imports by it will say so. */
function readManifest(file: string): { readonly imports?: unknown; readonly version?: unknown } {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as object | null) ?? {};
  } catch {
    return {};
  }
}

/**
 * SHA-256 of files, 64 hexadecimal digits: of their contents, and of their names as seen from a folder.
 * @param folder where the names begin, so that a copy elsewhere has the same hash.
 * @param unnamed the file whose name does not count.
 */
export function hashFiles(files: readonly string[], folder: string, unnamed?: string): string {
  const hash = createHash('sha256');
  const named = files.map(
    (file) => [file === unnamed ? '' : relative(folder, file).replaceAll('\\', '/'), file] as const,
  );
  for (const [name, file] of named.sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}
