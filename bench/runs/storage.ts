import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import {
  makeWritable,
  syncFolder,
  temporaryName,
  whereabouts,
  writeFileAtomic,
  writeSynced,
} from '../../core/atomic-file.ts';
import { MAX_TEXT, readBounded, readBoundedText } from '../../core/bounded-file.ts';
import { sortKeys } from '../../core/canonical-json.ts';
import { packageInfo } from '../../core/package.ts';
import { isAlive } from '../../core/process-identity.ts';
import type { Cell, CellResult, KeptTrees } from '../cell.ts';
import { TIMING_COLUMNS } from '../columns.ts';
import { formatCsv, parseCsv } from '../csv.ts';
import { declarationSchema, metricColumns } from '../declaration.ts';
import { cellHash } from '../identity.ts';
import { OLD_DECLARATION, parseMetrics } from './metrics-file.ts';

const errorSchema = z.object({
  message: z.string(),
  stack: z.string().exactOptional(),
  /**
   * 'machine': the cell's process was killed, its GPU was lost, memory, disk or file handles had run out, or its result could not be
   * stored. Absent: what the cell computes went wrong, and would again.
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

/** The files of a cell that keeps trees. No number depends on them, and done.json is the same without them. */
export const KEPT_FILES = { trajectories: 'trajectories.jsonl', credit: 'credit.jsonl' } as const;

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

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');

/** The folder of a cell inside an output folder: `cells/` and the first 16 digits of its hash. */
export function cellFolder(out: string, hash: string): string {
  return join(out, 'cells', hash.slice(0, 16));
}

const failureFile = (out: string, hash: string) => `${cellFolder(out, hash)}.failed.json`;

/**
 * Makes an output folder ready: creates it and removes half-written files of killed runs.
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

/** Whether a process of another machine is alive cannot be seen: its leftovers count as abandoned after a day. */
const ABANDONED_SECONDS = 24 * 3600;

async function isAbandoned(path: string): Promise<boolean> {
  const [, where, pid] = /^\.tmp-([^-]+)-(\d+)-/.exec(basename(path)) ?? [];
  if (where === undefined) return false;
  if (where === whereabouts()) return !isAlive(Number(pid));
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && (Date.now() - found.mtimeMs) / 1000 > ABANDONED_SECONDS;
}

/**
 * Stores a finished cell: `cell.json`, `metrics.csv`, `timings.csv`, kept trees and the marker `done.json` appear together,
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
    // The marker must be the same in every run, and seconds are not: of timings.csv it only has the number of rows.
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
    for (const [name, file] of Object.entries(KEPT_FILES) as [keyof KeptTrees, string][]) {
      if (result.kept !== undefined) await writeSynced(join(temporary, file), result.kept[name]);
    }
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
