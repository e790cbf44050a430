import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from '../core/canonical-json.ts';
import { packageInfo } from '../core/package.ts';
import { sourceVersions } from '../envs/multihop/sources.ts';
import { codeGraph, hashFiles } from './catalog/code-hash.ts';
import { type Cell, unnamed } from './cell.ts';

/** The entry point of the code that decides some numbers, and the folders that this code reaches only through a catalog. */
const SCOPES = {
  /** A cell: its rollouts, training and evaluation. */
  cell: { entry: 'bench/training/train', folders: ['algorithms', 'envs', 'policies'] },
  /** Starting weights, which do not depend on algorithms. */
  start: { entry: 'bench/training/warm-start', folders: ['envs', 'policies'] },
  /** A unit of a profile: its experiments, and what trains in them. */
  profile: { entry: 'bench/profile/profile', folders: ['algorithms', 'envs', 'policies'] },
  /** What credit quality measures of a method. */
  creditQuality: { entry: 'bench/credit-quality/quality', folders: ['algorithms', 'envs', 'policies'] },
} as const;

const known = new Map<string, string>();

/**
 * SHA-256 of the code that can change the numbers of a cell, or of starting weights: what the training loop imports, all
 * algorithms, environments and policies; and the versions of the packages that these import. Not of commands, reports,
 * stored files or the packages that only those use: results stay valid while they change.
 * @param root folder of the code. Default: where this code runs from.
 */
export function codeFingerprint(
  scope: keyof typeof SCOPES = 'cell',
  root: string = dirname(dirname(fileURLToPath(import.meta.url))),
  versions: Readonly<Record<string, string>> = packageInfo().dependencies,
): string {
  const key = `${scope} ${root} ${JSON.stringify(versions)}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const { entry, folders } = SCOPES[scope];
  const ending = existsSync(join(root, `${entry}.ts`)) ? '.ts' : '.js';
  const { files, packages } = codeGraph([
    join(root, entry + ending),
    ...folders.flatMap((folder) => computingFiles(join(root, folder))),
  ]);
  const used = packages.flatMap((name) => (name in versions ? [[name, versions[name]!] as const] : []));
  const hash = createHash('sha256')
    .update(hashFiles(files, root))
    .update(JSON.stringify([used, sourceVersions()]));
  const fingerprint = hash.digest('hex');
  known.set(key, fingerprint);
  return fingerprint;
}

/** Registries are left out: a new entry does not change the others. */
const computingFiles = (folder: string): readonly string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter(
      (file) =>
        /\.[jt]s$/.test(file) && !/(^|[\\/])registry\.|\.(test|bench|test-helper|d)\.[jt]s$/.test(file),
    )
    .map((file) => join(folder, file));

/**
 * SHA-256 (64 hexadecimal digits) of everything a cell's numbers depend on: the cell itself and the code and data
 * that compute it. Users' code counts by its content, not by the name that it was given.
 */
export function cellHash(cell: Cell, code: string = codeFingerprint()): string {
  const named = {
    ...cell,
    environment: unnamed(cell.environment),
    policy: unnamed(cell.policy),
    algorithm: unnamed(cell.algorithm),
  };
  return createHash('sha256')
    .update(canonicalJson({ cell: named, code }))
    .digest('hex');
}
