import {
  type AsyncBuffer,
  type FileMetaData,
  parquetSchema,
  type RowGroup,
  type SchemaTree,
} from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';

const MAX_ROWS = 2 ** 21;
/** A column's values in a row group: more than rows where a row holds lists. */
const MAX_VALUES = 2 ** 24;
/** A page's bytes when decompressed. */
const MAX_PAGE_BYTES = 2 ** 28;
/** A row group's bytes when decompressed, over the columns that are read. */
const MAX_GROUP_BYTES = 2 ** 30;
const MAX_DEPTH = 32;

/**
 * Checks that the lists in a Parquet file's footer are no longer than the footer. A decoder reserves memory for
 * what a length claims, so that ten bytes could ask for gigabytes.
 * @throws Error naming what is wrong.
 */
export async function checkFooter(file: AsyncBuffer): Promise<void> {
  const size = file.byteLength;
  if (size < 12) throw new Error('the file is too short');
  const tail = new DataView(await file.slice(size - 8, size));
  if (tail.getUint32(4, true) !== 0x31524150) throw new Error("it does not end with 'PAR1'");
  const length = tail.getUint32(0, true);
  if (length > size - 12) throw new Error(`the footer claims ${length} bytes, the file has ${size}`);
  skipStruct(new DataView(await file.slice(size - 8 - length, size - 8)), 0, 0);
}

/**
 * Checks that every row group has one chunk for every column of the schema, in its order, as the format demands.
 * hyparquet starts reading all columns before it misses one, and a failure of those would then end the process.
 * @throws Error naming the first chunk that is out of place.
 */
export function checkColumns(metadata: FileMetaData): void {
  const leaves = leafPaths(parquetSchema(metadata));
  const distinct = new Set(leaves);
  if (distinct.size < leaves.length) throw new Error('two columns of the same name');
  for (const [index, { columns }] of metadata.row_groups.entries()) {
    for (let i = 0; i < Math.max(leaves.length, columns.length); i += 1) {
      const path = columns[i]?.meta_data?.path_in_schema;
      if (path === undefined || pathKey(path) !== leaves[i]) {
        throw new Error(`column ${i + 1} of row group ${index + 1} is not that of the schema`);
      }
    }
  }
}

function leafPaths({ children, path }: SchemaTree): readonly string[] {
  return children.length === 0 ? [pathKey(path)] : children.flatMap(leafPaths);
}

/** Names may contain any character. */
function pathKey(path: readonly string[]): string {
  return JSON.stringify(path);
}

/**
 * Checks what a row group and the headers of its pages claim, for the columns that are read: at most 2^21 rows, 2^24
 * values a column, 256 MiB a page and 1 GiB in all when decompressed; at least as many values as rows.
 * @param columns top-level names.
 * @throws Error naming what is wrong.
 */
export async function checkRowGroup(
  file: AsyncBuffer,
  group: RowGroup,
  columns: readonly string[],
): Promise<void> {
  const rows = within('rows', group.num_rows, MAX_ROWS);
  let groupBytes = 0;
  let read = 0;
  for (const { meta_data: column } of group.columns) {
    if (column === undefined) throw new Error('a column without metadata');
    if (!columns.includes(column.path_in_schema[0]!)) continue;
    const start = within('offset', column.dictionary_page_offset || column.data_page_offset, file.byteLength);
    const length = within('column size', column.total_compressed_size, file.byteLength - start);
    const pages = pagesOf(await file.slice(start, start + length));
    groupBytes += pages.bytes;
    within('bytes of a row group', groupBytes, MAX_GROUP_BYTES);
    if (pages.values < rows) {
      throw new Error(
        `column ${column.path_in_schema.join('.')} has ${pages.values} values for ${rows} rows`,
      );
    }
    read += 1;
  }
  if (read === 0) throw new Error('a row group without the columns');
}

function pagesOf(buffer: ArrayBuffer): { readonly bytes: number; readonly values: number } {
  const view = new DataView(buffer);
  let offset = 0;
  let bytes = 0;
  let values = 0;
  // A single byte at the end is no page.
  while (offset < view.byteLength - 1) {
    const end = skipStruct(view, offset, 0);
    const header = parquetHeader({ view, offset });
    bytes += within('page size', header.uncompressed_page_size, MAX_PAGE_BYTES);
    const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary } = header;
    within('dictionary values', dictionary?.num_values ?? 0, MAX_VALUES);
    values += within('page values', v1?.num_values ?? v2?.num_values ?? 0, MAX_VALUES);
    within('column values', values, MAX_VALUES);
    if (v2 !== undefined) {
      within('null values', v2.num_nulls, v2.num_values);
      within('page rows', v2.num_rows, v2.num_values);
      const size = Math.min(header.compressed_page_size, header.uncompressed_page_size);
      const definition = within('level bytes', v2.definition_levels_byte_length, size);
      within('level bytes', v2.repetition_levels_byte_length, size - definition);
    }
    offset = end + within('page size', header.compressed_page_size, view.byteLength - end);
  }
  return { bytes, values };
}

/** The claimed number as a number, if it is whole and between 0 and `most`. */
function within(what: string, claimed: unknown, most: number): number {
  const value = typeof claimed === 'bigint' ? Number(claimed) : claimed;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most) return value;
  throw new Error(`${what} ${String(claimed)}; valid: 0 to ${most}`);
}

/**
 * Walks over a struct of Thrift's compact protocol without reserving memory. Returns where it ends.
 * @throws Error on a list or text that is longer than what is left, an overlong number, an unknown type, more than
 *   32 levels.
 */
function skipStruct(view: DataView, start: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new Error(`metadata more than ${MAX_DEPTH} levels deep`);
  let at = start;
  for (;;) {
    const byte = view.getUint8(at);
    at += 1;
    const type = byte & 15;
    if (type === 0) return at;
    if (byte >> 4 === 0) at = readVarint(view, at).end;
    // The two truth values are types of their own and take no byte.
    if (type > 2) at = skipValue(view, at, type, depth);
  }
}

function skipValue(view: DataView, at: number, type: number, depth: number): number {
  switch (type) {
    case 1:
    case 2:
    case 3:
      return at + 1;
    case 4:
    case 5:
    case 6:
      return readVarint(view, at).end;
    case 7:
      return at + 8;
    case 8: {
      const { value, end } = readVarint(view, at);
      return end + within('metadata text', value, view.byteLength - end);
    }
    case 9:
      return skipList(view, at, depth + 1);
    case 12:
      return skipStruct(view, at, depth + 1);
    default:
      throw new Error(`metadata of the unknown type ${type}`);
  }
}

function skipList(view: DataView, start: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new Error(`metadata more than ${MAX_DEPTH} levels deep`);
  const head = view.getUint8(start);
  const long = head >> 4 === 15 ? readVarint(view, start + 1) : { value: head >> 4, end: start + 1 };
  within('metadata list', long.value, view.byteLength - long.end);
  let at = long.end;
  for (let i = 0; i < long.value; i += 1) at = skipValue(view, at, head & 15, depth);
  return at;
}

function readVarint(view: DataView, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let i = 0; i < 10; i += 1) {
    const byte = view.getUint8(start + i);
    value += (byte & 127) * 128 ** i;
    if (byte < 128) return { value, end: start + i + 1 };
  }
  throw new Error('a metadata number of more than 10 bytes');
}
