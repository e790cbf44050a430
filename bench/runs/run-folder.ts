import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { readBoundedText, readProblem } from '../../core/bounded-file.ts';
import { InputError } from '../../core/errors.ts';
import { declarationSchema } from '../declaration.ts';

/** Files at the top of a run's folder that are read back. */
export const RUN_FOLDER = { suite: 'suite.json', metrics: 'metrics.csv', timings: 'timings.csv' } as const;

const record = z.record(z.string(), z.unknown());

/**
 * What suite.json holds. Folders are of any age: what an older version did not write may be missing, and is then not
 * recorded.
 */
const suiteFileSchema = z.object({
  /** Version of creditbench that wrote it. */
  creditbench: z.string().exactOptional(),
  /** The suite with all defaults filled in. Its parts are not checked: reports show what there is. */
  suite: record.exactOptional(),
  /** By environment, of those with a finished cell. Absent: of before environments declared their scores. */
  declarations: z.record(z.string(), declarationSchema).exactOptional(),
  /** In the order of the suite. Entries of different names may be the same cell. */
  cells: z.array(
    z.object({
      environment: z.string(),
      policy: z.string().exactOptional(),
      /** Name in the suite. */
      algorithm: z.string(),
      seed: z.int(),
      /** First 16 digits of its hash: the name of its folder, and so a part of a path. */
      cell: z.string().regex(/^[0-9a-f]{16}$/, 'expected 16 hexadecimal digits'),
      status: z.enum(['finished', 'failed', 'missing']),
      algorithmId: z.string(),
      /** Of the environment. */
      options: record,
      /** Of the environment's data, corpus and retrieval, if the cell is finished. */
      fingerprint: z.string().exactOptional(),
    }),
  ),
});

/** What suite.json holds. */
export type SuiteFile = z.infer<typeof suiteFileSchema>;

/** Writes suite.json, whole or not at all. */
export async function writeSuiteFile(out: string, content: SuiteFile): Promise<void> {
  await writeFileAtomic(join(out, RUN_FOLDER.suite), `${JSON.stringify(content, null, 2)}\n`);
}

/** Reads suite.json. @throws InputError naming the file and what is wrong with it. */
export async function readSuiteFile(folder: string): Promise<SuiteFile> {
  return parseSuiteFile(await readRunFile(folder, RUN_FOLDER.suite), (what) =>
    wrongRunFile(folder, RUN_FOLDER.suite, what),
  );
}

/** The content of suite.json from its text. @param wrong throws what is wrong with it. */
export function parseSuiteFile(text: string, wrong: (what: string) => never): SuiteFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return wrong((error as Error).message);
  }
  const parsed = suiteFileSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  return wrong(`${path.join('.') || 'content'}: ${message}`);
}

/** A file of a run as text. @throws InputError if it cannot be read. */
export async function readRunFile(folder: string, file: string): Promise<string> {
  try {
    return await readBoundedText(join(folder, file));
  } catch (error) {
    return wrongRunFile(folder, file, `cannot be read (${readProblem(error)})`);
  }
}

/** Throws an InputError about a file of a run. */
export function wrongRunFile(folder: string, file: string, what: string): never {
  throw new InputError(`${join(folder, file)}: ${what}; valid: an output folder of 'creditbench run'`);
}

/** @throws InputError if two of the folders are one, by whatever names or links. */
export async function refuseTwice(folders: readonly string[]): Promise<void> {
  // A folder that is missing is reported by whoever reads it.
  const paths = await Promise.all(folders.map((folder) => realpath(folder).catch(() => resolve(folder))));
  for (const [index, path] of paths.entries()) {
    const first = paths.indexOf(path);
    if (first === index) continue;
    const [one, two] = [folders[first]!, folders[index]!];
    const what = resolve(one) === resolve(two) ? `${two} is given twice` : `${two} and ${one} are one folder`;
    throw new InputError(`results: ${what}; valid: different folders`);
  }
}

/** Number of finished cells in a folder that its suite.json does not list: of other seeds, settings or code. */
export async function countUnlisted(folder: string, { cells }: SuiteFile): Promise<number> {
  const listed = new Set(cells.map(({ cell }) => cell));
  // The folder may have been copied without its cells.
  const names = await readdir(join(folder, 'cells')).catch(() => []);
  return names.filter(
    (name) =>
      /^[0-9a-f]{16}$/.test(name) &&
      !listed.has(name) &&
      existsSync(join(folder, 'cells', name, 'done.json')),
  ).length;
}

/** What to say of finished cells that suite.json does not list. Nothing for none. */
export function describeUnlisted(folder: string, count: number): readonly string[] {
  if (count === 0) return [];
  const cells = count === 1 ? '1 finished cell is' : `${count} finished cells are`;
  return [
    `${folder}: ${cells} not listed in suite.json (other seeds, settings or code) and left out; to have them, run their suite into this folder again: finished cells are kept`,
  ];
}

/** The notices of several folders, one line each. Folders that are not of a run have none. */
export async function unlistedNotices(folders: readonly string[]): Promise<readonly string[]> {
  const notices = folders.map(async (folder) =>
    existsSync(join(folder, RUN_FOLDER.suite))
      ? describeUnlisted(folder, await countUnlisted(folder, await readSuiteFile(folder)))
      : [],
  );
  return (await Promise.all(notices)).flat();
}
