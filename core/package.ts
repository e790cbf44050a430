import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface PackageInfo {
  /** Absolute path of the folder that holds package.json and suites/. */
  readonly root: string;
  readonly version: string;
  /** Exact versions of the packages that it runs on. */
  readonly dependencies: Readonly<Record<string, string>>;
}

let known: PackageInfo | undefined;

/** Where this package lies and its version; the same from the sources and from the build. */
export function packageInfo(): PackageInfo {
  if (known) return known;
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const { name, version, dependencies } = JSON.parse(readFileSync(file, 'utf8')) as Partial<
        PackageInfo & { name: string }
      >;
      if (name === 'creditbench' && version !== undefined) {
        known = { root: folder, version, dependencies: dependencies ?? {} };
        return known;
      }
    }
    if (folder === dirname(folder)) throw new Error('package.json of creditbench is not above its code');
  }
}
