import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

/** What follows `from`, `import`, `import(` or `require(` as a text. Over-reads: a comment may name a file, too. */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire(?:\.resolve)?\s*\(\s*)(['"`])([^'"`\n]+)\1/g;

const TYPES = ['.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'];
const ENDINGS = ['', ...TYPES, ...TYPES.map((type) => `/index${type}`)];

/** The code that a file runs: itself and what it imports relatively, and the packages that these import. */
export interface CodeGraph {
  /** Absolute paths, the first file first. */
  readonly files: readonly string[];
  /** Names of the packages, sorted. Node's own are not among them. */
  readonly packages: readonly string[];
}

/** Follows relative imports, with an ending left out or `.js` written for `.ts`. Imports by computed names are not seen. */
export function codeGraph(entries: readonly string[]): CodeGraph {
  const files = new Set(entries);
  const packages = new Set<string>();
  for (const file of files) {
    if (file.endsWith('.json')) continue;
    for (const [, , name] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      if (/^\.|^\//.test(name!)) {
        for (const found of candidates(resolve(dirname(file), name!))) files.add(found);
      } else if (!name!.startsWith('node:')) {
        packages.add(
          name!
            .split('/')
            .slice(0, name!.startsWith('@') ? 2 : 1)
            .join('/'),
        );
      }
    }
  }
  return { files: [...files], packages: [...packages].sort() };
}

/** Every file that a path may mean: which of `x.ts` and `x.js` is run is the loader's choice, so both count. */
function candidates(path: string): readonly string[] {
  const paths = [...ENDINGS.map((ending) => path + ending), path.replace(/\.([cm]?)js$/, '.$1ts')];
  return paths.filter((file) => existsSync(file) && statSync(file).isFile());
}

/**
 * SHA-256 of files, 64 hexadecimal digits: of their contents, and of their names as seen from a folder.
 * @param folder where the names begin, so that a copy elsewhere has the same hash.
 */
export function hashFiles(files: readonly string[], folder: string): string {
  const hash = createHash('sha256');
  const named = files.map((file) => [relative(folder, file).replaceAll('\\', '/'), file] as const);
  for (const [name, file] of named.sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}
