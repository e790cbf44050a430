import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { MAX_TEXT, readBounded, readBoundedText } from '../../core/bounded-file.ts';
import { InputError } from '../../core/errors.ts';
import { packageInfo } from '../../core/package.ts';
import type { Cell, CellResult } from '../cell.ts';
import { TIMING_COLUMNS } from '../columns.ts';
import { formatCsv, parseCsv } from '../csv.ts';
import { declarationSchema, metricColumns } from '../declaration.ts';
import { codeFingerprint } from '../fingerprint.ts';
import { OLD_DECLARATION, parseMetrics } from './metrics-file.ts';
import { isAlive, ownIdentity } from './process-identity.ts';

const errorSchema = z.object({
  message: z.string(),
  stack: z.string().exactOptional(),
  /**
   * 'machine': the cell's process was killed, its GPU was lost, or its result could not be stored. Absent: what the cell computes went
   * wrong, and would again.
   */
  cause: z.literal('machine').exactOptional(),
});

/** What done.json says of the other files of a finished cell. */
const markerSchema = z.object({
  hash: z.string(),
  sha256: z.object({ 'cell.json': z.string(), 'metrics.csv': z.string() }),
  timingRows: z.int(),
  fingerprint: z.string(),
  /** Absent: made before environments declared anything. */
  declaration: declarationSchema.exactOptional(),
});

/** Bytes of done.json and of the record of a failure, at most. */
const MAX_RECORD = 16 * 2 ** 20;

/** Why a cell has no result. Holds no clock time, so that equal failures are equal files. */
export type CellError = Readonly<z.infer<typeof errorSchema>>;

/** A failure on record. */
export interface StoredFailure {
  readonly error: CellError;
  /** When it was recorded. */
  readonly at: Date;
}

/** What the disk knows about a cell. */
export type StoredCell =
  | { readonly status: 'missing' }
  | { readonly status: 'finished'; readonly result: CellResult }
  | { readonly status: 'damaged'; readonly reason: string };

/** JSON with sorted keys and no spaces: equal values give equal text. Keys with undefined values are left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sortKeys(value));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

/**
 * SHA-256 (64 hexadecimal digits) of everything a cell's numbers depend on: the cell itself and the code and data
 * that compute it.
 */
export function cellHash(cell: Cell, code: string = codeFingerprint()): string {
  return sha256(canonicalJson({ cell, code }));
}

/** The folder of a cell inside an output folder: `cells/` and the first 16 digits of its hash. */
export function cellFolder(out: string, hash: string): string {
  return join(out, 'cells', hash.slice(0, 16));
}

const failureFile = (out: string, hash: string) => `${cellFolder(out, hash)}.failed.json`;

/**
 * Creates a folder where there is none and checks that files can be written in it.
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

/**
 * Makes an output folder ready: creates it and removes what runs that were killed left half-written.
 *
 * @throws InputError naming the folder when it cannot be written.
 */
export async function openOutput(out: string): Promise<void> {
  await makeWritable('--out', out);
  await makeWritable('--out', join(out, 'cells'));
  for (const folder of [out, join(out, 'cells')]) {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if (await isAbandoned(path)) await rm(path, { recursive: true, force: true });
    }
  }
}

/** Of another machine's processes nothing is known: what they left counts as abandoned after a day. */
const ABANDONED_SECONDS = 24 * 3600;

async function isAbandoned(path: string): Promise<boolean> {
  const [, where, pid] = /^\.tmp-([^-]+)-(\d+)-/.exec(basename(path)) ?? [];
  if (where === undefined) return false;
  if (where === whereabouts()) return !isAlive(Number(pid));
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && (Date.now() - found.mtimeMs) / 1000 > ABANDONED_SECONDS;
}

/** Machine and process space in a file name. */
function whereabouts(): string {
  const { host, space } = ownIdentity();
  return `${host}.${space}`.replace(/[^A-Za-z0-9.]/g, '_');
}

async function writeSynced(path: string, text: string | Uint8Array): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename last: a file's name is kept in its folder. Not every system can sync a folder. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    // The data itself is synced; the name then lasts as soon as the system writes it.
  }
}

/** Where a file or folder is before it is whole. Those of processes that have ended are removed (`openOutput`). */
export function temporaryName(path: string): string {
  return join(dirname(path), `.tmp-${whereabouts()}-${process.pid}-${basename(path)}`);
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

/**
 * Stores a finished cell: `cell.json`, `metrics.csv`, `timings.csv` and the marker `done.json` appear together,
 * by one rename. An earlier failure record of the cell is removed. Of several processes that store the same cell one does.
 */
export async function writeCell(out: string, cell: Cell, result: CellResult): Promise<void> {
  const hash = cellHash(cell);
  const folder = cellFolder(out, hash);
  const temporary = temporaryName(folder);
  const cellText = `${JSON.stringify(sortKeys(cell), null, 2)}\n`;
  const metrics = formatCsv(metricColumns([result.declaration]), result.metrics);
  const timings = formatCsv(TIMING_COLUMNS, result.timings);
  const marker = {
    creditbench: packageInfo().version,
    hash,
    sha256: { 'cell.json': sha256(cellText), 'metrics.csv': sha256(metrics) },
    // Seconds differ from run to run and the marker must not: of timings.csv it keeps the length only.
    timingRows: result.timings.length,
    fingerprint: result.fingerprint,
    declaration: result.declaration,
  };
  await rm(temporary, { recursive: true, force: true });
  try {
    await mkdir(temporary);
    await writeSynced(join(temporary, 'cell.json'), cellText);
    await writeSynced(join(temporary, 'metrics.csv'), metrics);
    await writeSynced(join(temporary, 'timings.csv'), timings);
    await writeSynced(join(temporary, 'done.json'), `${JSON.stringify(marker, null, 2)}\n`);
    await syncFolder(temporary);
    await rename(temporary, folder).catch(async () => {
      // Another process was faster, or a damaged result is in the way.
      if ((await readStored(out, hash)).status === 'finished') return;
      await rm(folder, { recursive: true, force: true });
      await rename(temporary, folder);
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  await syncFolder(dirname(folder));
  await rm(failureFile(out, hash), { force: true });
}

/** Reads a cell back and checks every file of it. Never throws on bad content: that is `damaged`. */
export function readCell(out: string, cell: Cell): Promise<StoredCell> {
  return readStored(out, cellHash(cell));
}

/**
 * The same of a cell that is known by its hash.
 * @param hash or at least the first 16 digits of it, as suite.json has them.
 */
export async function readStored(out: string, hash: string): Promise<StoredCell> {
  const folder = cellFolder(out, hash);
  try {
    await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { status: 'missing' };
    return { status: 'damaged', reason: (error as Error).message };
  }
  try {
    const marker = parseMarker(await readBoundedText(join(folder, 'done.json'), MAX_RECORD));
    if (!marker.hash.startsWith(hash)) throw new Error('done.json belongs to another cell');
    const checked = async (name: 'cell.json' | 'metrics.csv'): Promise<string> => {
      const bytes = await readBounded(join(folder, name), MAX_TEXT);
      if (sha256(bytes) !== marker.sha256[name]) throw new Error(`${name} does not match its checksum`);
      return bytes.toString('utf8');
    };
    await checked('cell.json');
    const { fingerprint, declaration } = marker;
    const metrics = parseMetrics([], declaration && [declaration], await checked('metrics.csv'));
    const timings = parseCsv(TIMING_COLUMNS, await readBoundedText(join(folder, 'timings.csv')));
    if (timings.length !== marker.timingRows) throw new Error('timings.csv has lost rows');
    return {
      status: 'finished',
      result: { metrics, timings, fingerprint, declaration: declaration ?? OLD_DECLARATION },
    };
  } catch (error) {
    return { status: 'damaged', reason: (error as Error).message };
  }
}

function parseMarker(text: string): z.infer<typeof markerSchema> {
  const parsed = markerSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new Error(`done.json is not valid: ${path.join('.')}: ${message}`);
}

/** Removes a damaged cell folder. */
export async function removeCell(out: string, cell: Cell): Promise<void> {
  await rm(cellFolder(out, cellHash(cell)), { recursive: true, force: true });
}

/** Why a cell failed, where that is on record. A record that cannot be read is none. */
export async function readFailure(out: string, hash: string): Promise<StoredFailure | undefined> {
  const file = failureFile(out, hash);
  try {
    const record: unknown = JSON.parse(await readBoundedText(file, MAX_RECORD));
    const { error } = z.object({ error: errorSchema }).parse(record);
    return { error, at: (await stat(file)).mtime };
  } catch {
    return undefined;
  }
}

/** Records why a cell failed, beside where its folder would be: `cells/<hash>.failed.json`. */
export async function writeFailure(out: string, cell: Cell, error: CellError): Promise<void> {
  const record = { creditbench: packageInfo().version, cell: sortKeys(cell), error };
  await writeFileAtomic(failureFile(out, cellHash(cell)), `${JSON.stringify(record, null, 2)}\n`);
}
