import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from './errors.ts';
import { ownIdentity } from './process-identity.ts';

/**
 * Creates a folder if there is none and checks that files can be written in it.
 *
 * @throws InputError naming the option and the folder when it cannot be written.
 */
export async function makeWritable(option: string, folder: string): Promise<void> {
  const probe = temporaryName(join(folder, 'probe'));
  try {
    await makeFolders(resolve(folder));
    await writeSynced(probe, '');
    await rm(probe, { force: true });
  } catch (error) {
    throw new InputError(
      `${option}: cannot write in the folder ${folder} (${(error as Error).message}); valid: a folder that is writable or can be created`,
    );
  }
}

/**
 * Creates a folder and those above it, one at a time: Node's recursive mkdir never returns on file systems such
 * as /proc, which answer that the parent is missing when it is not.
 */
async function makeFolders(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  const above = dirname(folder);
  if (above !== folder) await makeFolders(above);
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error; // another process was faster
  });
}

/** Machine and process space in a file name. */
export function whereabouts(): string {
  const { host, space } = ownIdentity();
  return `${host}.${space}`.replace(/[^A-Za-z0-9.]/g, '_');
}

/** Writes a file and has it reach the disk. */
export async function writeSynced(path: string, text: string | Uint8Array): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename last: a file's name is kept in its folder. Not every system can sync a folder. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    // The data itself is synced; the name then lasts as soon as the system writes it.
  }
}

/** Numbers the names of this process: two writers of one file each have a name of their own. */
let written = 0;

/**
 * Where a file or folder is before it is whole: another name each time. Those of processes that have ended are removed
 * (`openOutput`).
 */
export function temporaryName(path: string): string {
  return join(dirname(path), `.tmp-${whereabouts()}-${process.pid}-${written++}-${basename(path)}`);
}

/** Writes a whole file or nothing: readers see the old content or the new, never a part. */
export async function writeFileAtomic(path: string, text: string | Uint8Array): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await writeSynced(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}
