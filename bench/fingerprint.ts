import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageInfo } from '../core/package.ts';
import { sourceVersions } from '../envs/multihop/sources.ts';

/** The folders whose code decides the numbers of a cell. */
const COMPUTING = ['algorithms', 'bench', 'core', 'envs', 'policies'] as const;

const known = new Map<string, string>();

/**
 * SHA-256 of the code of these folders as it runs (tests left out), of the versions of this package, of its
 * dependencies and of the data packages. Results made by other code are never taken for results of this code.
 */
export function codeFingerprint(folders: readonly string[] = COMPUTING): string {
  const name = folders.join();
  const found = known.get(name);
  if (found !== undefined) return found;
  const hash = createHash('sha256');
  const code = dirname(dirname(fileURLToPath(import.meta.url)));
  for (const folder of folders) {
    for (const file of (readdirSync(join(code, folder), { recursive: true }) as string[]).sort()) {
      if (!/\.[jt]s$/.test(file) || /\.(test|bench|test-helper|d)\.[jt]s$/.test(file)) continue;
      hash.update(`${folder}/${file}\n`).update(readFileSync(join(code, folder, file)));
    }
  }
  hash.update(JSON.stringify([packageInfo().version, packageInfo().dependencies, sourceVersions()]));
  const fingerprint = hash.digest('hex');
  known.set(name, fingerprint);
  return fingerprint;
}
