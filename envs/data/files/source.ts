import { extname } from 'node:path';
import { InputError } from '../../../core/errors.ts';
import { utf8Chunks } from './bytes.ts';
import { csvRows } from './csv.ts';
import { jsonLines } from './json-lines.ts';
import { jsonMembers } from './json-stream.ts';
import { parquetRows } from './parquet.ts';
import type { RawRecord } from './raw-record.ts';

/** How the records of a file are laid out. */
export type Layout = 'array' | 'object' | 'lines' | 'csv' | 'parquet';

/** The records of a file. */
export interface Source {
  readonly layout: Layout;
  /** Every iteration reads the file again. */
  readonly records: AsyncIterable<RawRecord>;
}

/** The layouts by file name extension; JSON files are told apart by how they begin. */
const EXTENSIONS = {
  '.json': 'json',
  '.jsonl': 'json',
  '.ndjson': 'json',
  '.csv': 'csv',
  '.parquet': 'parquet',
} as const;

/**
 * Opens a file of records. The extension says whether it is JSON, CSV or Parquet (case does not matter); a JSON
 * file that begins with '[' is one array, any other holds one record a line, or is one object where `objects` says
 * so and the extension is .json.
 * @param extensions the valid ones, a part of .json, .jsonl, .ndjson, .csv, .parquet.
 * @throws InputError on another extension, or a file that is empty or cannot be read.
 */
export async function openSource(
  path: string,
  options: {
    readonly extensions?: readonly string[];
    readonly objects?: boolean;
    readonly columns?: readonly string[];
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<Source> {
  const { extensions = Object.keys(EXTENSIONS), objects = false, columns = [], signal } = options;
  const extension = extname(path).toLowerCase();
  if (!extensions.includes(extension)) {
    const what = extension === '' ? 'no extension' : `unknown extension '${extension}'`;
    throw new InputError(`${path}: ${what}; valid: ${extensions.join(', ')}`);
  }
  const kind = EXTENSIONS[extension as keyof typeof EXTENSIONS];
  const layout = kind === 'json' ? await jsonLayout(path, objects && extension === '.json', signal) : kind;
  const read = {
    array: jsonMembers,
    object: jsonMembers,
    lines: jsonLines,
    csv: csvRows,
    parquet: (file: string, abort?: AbortSignal) => parquetRows(file, columns, abort),
  }[layout];
  return { layout, records: { [Symbol.asyncIterator]: () => read(path, signal) } };
}

async function jsonLayout(path: string, objects: boolean, signal?: AbortSignal): Promise<Layout> {
  for await (const chunk of utf8Chunks(path, signal)) {
    const start = chunk.find((byte) => byte !== 32 && byte !== 9 && byte !== 10 && byte !== 13);
    if (start === undefined) continue;
    if (start === 0x5b) return 'array';
    return objects && start === 0x7b ? 'object' : 'lines';
  }
  throw new InputError(`${path}: the file is blank`);
}
