import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readBeginning, readBoundedText } from '../../../core/bounded-file.ts';
import { InputError } from '../../../core/errors.ts';
import { openFile } from '../../../envs/data/files/bytes.ts';
import { jsonLines } from '../../../envs/data/files/json-lines.ts';
import { jsonMembers } from '../../../envs/data/files/json-stream.ts';
import { parquetRows } from '../../../envs/data/files/parquet.ts';
import { READERS } from '../readers/index.ts';
import type { PlacedTrajectory, ReadOptions, TrajectoryReader } from '../readers/reader.ts';

/**
 * A file of trajectories that is open.
 * @experimental
 */
export interface TrajectoryFile {
  /** As messages call it. */
  readonly name: string;
  /** Where it is on the disk: of what came through a pipe, a copy. */
  readonly path: string;
  readonly reader: TrajectoryReader;
  /** Its trajectories in their order. May be called again, and then reads again. @throws InputError as a reader does. */
  read(signal?: AbortSignal): AsyncIterable<PlacedTrajectory>;
  /** Removes what was copied. */
  close(): Promise<void>;
}

/**
 * What a file is opened with.
 * @experimental
 */
export interface OpenRequest extends Omit<ReadOptions, 'signal'> {
  /** Path of the file; '-': what `input` brings. */
  readonly path: string;
  readonly input?: Readable;
  /** Id of the format. Default: told by the first record. */
  readonly format?: string;
  /** The formats, in the order in which they are tried. */
  readonly readers?: readonly TrajectoryReader[];
  readonly signal?: AbortSignal;
}

/** Bytes of a file that is one JSON document, at most. */
const MAX_DOCUMENT = 64 * 2 ** 20;

/**
 * Opens a file of trajectories. Its format is that of its first record.
 * @throws InputError when there is no such file, it is empty or of no known format, or the format is not known.
 * @experimental
 */
export async function openTrajectories(request: OpenRequest): Promise<TrajectoryFile> {
  const { format, readers = READERS, signal } = request;
  if (format !== undefined && !readers.some(({ id }) => id === format)) {
    throw new InputError(
      `--format: '${format}' is not valid; valid: ${readers.map(({ id }) => id).join(', ')}`,
    );
  }
  const spooled = request.path === '-' ? await spool(request.input, signal) : undefined;
  const name = spooled === undefined ? request.path : 'stdin';
  const path = spooled?.path ?? request.path;
  const close = async () => spooled?.remove();
  const notices = new Set<string>();
  const options: ReadOptions = {
    ...(request.codec === undefined ? {} : { codec: request.codec }),
    ...(request.rewards === undefined ? {} : { rewards: request.rewards }),
    onNotice: (message) => {
      if (!notices.has(message)) request.onNotice?.(message);
      notices.add(message);
    },
  };
  try {
    const reader =
      format === undefined
        ? await detected(path, name, readers, signal)
        : readers.find(({ id }) => id === format)!;
    const read = (abort?: AbortSignal) =>
      renamed(
        path,
        name,
        reader.read(path, { ...options, ...(abort === undefined ? {} : { signal: abort }) }),
      );
    return { name, path, reader, read, close };
  } catch (error) {
    await close();
    throw withName(error, path, name);
  }
}

/** What came through a pipe, in a file that can be read more than once. */
async function spool(
  input: Readable | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  if (input === undefined) throw new InputError("'-' is not valid here: there is no input; valid: a file");
  const folder = await mkdtemp(join(tmpdir(), 'creditbench-trajectories-'));
  const path = join(folder, 'input');
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await pipeline(input, createWriteStream(path), ...(signal === undefined ? [] : [{ signal }]));
    return { path, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function detected(
  path: string,
  name: string,
  readers: readonly TrajectoryReader[],
  signal: AbortSignal | undefined,
): Promise<TrajectoryReader> {
  const { record, problem } = await firstRecord(path, signal);
  const found = readers.find((reader) => reader.detects(record, path));
  if (found !== undefined) return found;
  if (problem !== undefined) throw problem;
  const keys =
    typeof record === 'object' && record !== null
      ? `the first record has the keys ${Object.keys(record).slice(0, 12).join(', ') || '(none)'}`
      : 'the first record is no JSON object';
  const valid = readers.map(({ id, expected }) => `${id}: ${expected}`).join('; ');
  throw new InputError(`${name}: no known format: ${keys}; valid: ${valid}; or --format`);
}

/**
 * The first record of a file: a row of Parquet, an element of a JSON array, a line of JSON, or the whole as one JSON
 * document. None if it is something else: then `problem` says why it is no JSON.
 */
async function firstRecord(
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly record?: unknown; readonly problem?: unknown }> {
  await (await openFile(path)).handle.close();
  const start = await readBeginning(path, 4096);
  if (start.subarray(0, 4).toString('latin1') === 'PAR1') return first(parquetRows(path, 'all', signal));
  try {
    const isArray = start.toString('utf8').trimStart().startsWith('[');
    return await first(isArray ? jsonMembers(path, signal) : jsonLines(path, signal));
  } catch (problem) {
    if (!(problem instanceof InputError)) throw problem;
    try {
      return { record: JSON.parse(await readBoundedText(path, MAX_DOCUMENT)) };
    } catch {
      return { problem };
    }
  }
}

async function first(records: AsyncIterable<{ readonly value: unknown }>): Promise<{ record?: unknown }> {
  for await (const { value } of records) return { record: value };
  return {};
}

/** Messages name the file as the user does. */
async function* renamed(
  path: string,
  name: string,
  records: AsyncIterable<PlacedTrajectory>,
): AsyncGenerator<PlacedTrajectory> {
  try {
    yield* records;
  } catch (error) {
    throw withName(error, path, name);
  }
}

const withName = (error: unknown, path: string, name: string): unknown =>
  error instanceof InputError && path !== name
    ? new InputError(error.message.replaceAll(path, name), { cause: error })
    : error;
