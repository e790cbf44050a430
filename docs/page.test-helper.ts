import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The code of a page: the blocks that name a file ("```ts mine.ts"), by that name. */
export async function codeOf(page: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(ROOT, 'docs', page), 'utf8');
  return new Map(
    [...text.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, file, code]) => [file!, code!]),
  );
}

/** A folder in which nothing else looks, and where 'creditbench' is this repository, as if it were installed. */
export async function createUserFolder(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  await mkdir(join(ROOT, '.creditbench'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, '.creditbench', 'docs-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(ROOT, join(folder, 'node_modules', 'creditbench'));
  return { folder, remove: () => rm(folder, { recursive: true }) };
}
