import type { FileHandle } from 'node:fs/promises';
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { InputError } from '../../../core/errors.ts';
import { printable } from '../../../core/printable.ts';
import { quoted } from '../fields.ts';
import { openFile } from './bytes.ts';
import { boundedCompressors as compressors } from './decompress.ts';
import { checkColumns, checkFooter, checkRowGroup } from './parquet-limits.ts';
import { checkRuns } from './parquet-runs.ts';
import type { RawRecord } from './raw-record.ts';

/**
 * Streams the rows of a Parquet file, one row group in memory at a time. INT64 becomes a number where that is exact
 * and a text otherwise.
 * @param columns top-level columns to read; those that the file does not have are left out. 'all': whatever it has.
 * @throws InputError on a file that is broken, claims sizes beyond `parquet-limits.ts`, or has none of the columns.
 */
export async function* parquetRows(
  path: string,
  columns: readonly string[] | 'all',
  signal?: AbortSignal,
): AsyncGenerator<RawRecord> {
  const { handle, size } = await openFile(path);
  try {
    const file = bufferOf(handle, size);
    const metadata = await guarded(path, undefined, () => readMetadata(file));
    const present = topLevelColumns(metadata).map(({ name }) => name);
    const read = columns === 'all' ? present : columns.filter((column) => present.includes(column));
    if (columns !== 'all' && read.length === 0) {
      const names = present.slice(0, 12).map((name) => quoted(name));
      throw new InputError(
        `${path}: no known column (columns: ${names.join(', ')}); valid: ${columns.join(', ')}`,
      );
    }
    let row = 0;
    for (const [index, group] of metadata.row_groups.entries()) {
      signal?.throwIfAborted();
      const rows = await guarded(path, index, async () => {
        await checkRowGroup(file, group, read);
        await checkRuns(file, metadata, group, read, compressors);
        // Alone, so that the plan of one group never touches the others.
        const alone: FileMetaData = { ...metadata, row_groups: [group], num_rows: group.num_rows };
        return parquetReadObjects({ file, metadata: alone, columns: read, compressors, parsers });
      });
      for (const value of rows) {
        yield { value: withoutBigInts(value), at: `row ${row + 1}`, index: row };
        row += 1;
      }
    }
  } finally {
    await handle.close();
  }
}

/** A top-level column of a Parquet file. */
export interface ParquetColumn {
  readonly name: string;
  /** Whether it is a column of numbers. */
  readonly isNumber: boolean;
}

/**
 * The top-level columns of a Parquet file, in its order.
 * @throws InputError on a file that is broken.
 */
export async function parquetColumns(path: string): Promise<readonly ParquetColumn[]> {
  const { handle, size } = await openFile(path);
  try {
    return topLevelColumns(await guarded(path, undefined, () => readMetadata(bufferOf(handle, size))));
  } finally {
    await handle.close();
  }
}

const NUMBERS: readonly unknown[] = ['INT32', 'INT64', 'FLOAT', 'DOUBLE'];

const decoder = new TextDecoder('utf-8', { fatal: true });
const parsers = { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes) };

async function readMetadata(file: AsyncBuffer): Promise<FileMetaData> {
  await checkFooter(file);
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  checkColumns(metadata);
  return metadata;
}

/** What the decoder throws on a broken file is of many kinds; all mean that. */
async function guarded<T>(path: string, group: number | undefined, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const where = group === undefined ? path : `${path}, row group ${group + 1}`;
    const message = error instanceof Error ? error.message : String(error);
    throw new InputError(`${where}: broken Parquet: ${printable(message)}`);
  }
}

function bufferOf(handle: FileHandle, size: number): AsyncBuffer {
  return {
    byteLength: size,
    async slice(start, end = size) {
      if (!(start >= 0 && start <= end && end <= size)) {
        throw new Error(`bytes ${start} to ${end} are outside of the file's ${size}`);
      }
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
        if (bytesRead === 0) throw new Error('the file became shorter while it was read');
        filled += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

/** The children of the schema's root, which is listed depth first. */
function topLevelColumns({ schema }: FileMetaData): readonly ParquetColumn[] {
  const names: ParquetColumn[] = [];
  for (let at = 1; at < schema.length; ) {
    const { name, type, num_children, logical_type } = schema[at]!;
    // Times are numbers of another kind.
    const isNumber =
      NUMBERS.includes(type) && !num_children && (logical_type?.type ?? 'INTEGER') === 'INTEGER';
    names.push({ name, isNumber });
    // Skips the element with all below it.
    for (let open = 1; open > 0 && at < schema.length; at += 1) open += (schema[at]!.num_children ?? 0) - 1;
  }
  return names;
}

function withoutBigInts(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutBigInts(item)]));
}
