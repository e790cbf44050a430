import type { AsyncBuffer, Compressors, FileMetaData, RowGroup, SchemaTree } from 'hyparquet';
import { parquetSchema } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage } from 'hyparquet/src/datapage.js';

/**
 * Checks the runs in the pages of a row group: none repeats a value more often than its page has values. A decoder
 * writes out what a run claims, so that five bytes could fill the memory. The headers have been checked before.
 * @param columns top-level names.
 * @throws Error naming a run that is too long, and whatever decompressing a page throws.
 */
export async function checkRuns(
  file: AsyncBuffer,
  metadata: FileMetaData,
  group: RowGroup,
  columns: readonly string[],
  compressors: Compressors,
): Promise<void> {
  const schema = parquetSchema(metadata);
  for (const { meta_data: column } of group.columns) {
    if (column === undefined || !columns.includes(column.path_in_schema[0]!)) continue;
    const { repetition, definition } = levelsOf(schema, column.path_in_schema);
    const start = Number(column.dictionary_page_offset || column.data_page_offset);
    const chunk = new Uint8Array(await file.slice(start, start + Number(column.total_compressed_size)));
    const reader = { view: new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength), offset: 0 };
    while (reader.offset < chunk.length - 1) {
      const header = parquetHeader(reader);
      const bytes = chunk.subarray(reader.offset, reader.offset + header.compressed_page_size);
      reader.offset += header.compressed_page_size;
      const { data_page_header: v1, data_page_header_v2: v2 } = header;
      const page = v1 ?? v2;
      if (page === undefined) continue;
      let levels: Uint8Array = bytes;
      let at = 0;
      if (v1 !== undefined) {
        levels = decompressPage(bytes, header.uncompressed_page_size, column.codec, compressors);
        if (repetition > 0) at = checkStream(levels, at + 4, repetition, v1.num_values, lengthAt(levels, at));
        if (definition > 0) at = checkStream(levels, at + 4, definition, v1.num_values, lengthAt(levels, at));
      } else if (v2 !== undefined) {
        const { repetition_levels_byte_length: first, definition_levels_byte_length: second } = v2;
        checkStream(bytes, 0, repetition, v2.num_values, first);
        checkStream(bytes, first, definition, v2.num_values, second);
        levels = bytes.subarray(first + second);
        if (v2.is_compressed !== false) {
          const size = header.uncompressed_page_size - first - second;
          levels = decompressPage(levels, size, column.codec, compressors);
        }
      }
      if (page.encoding === 'RLE') checkStream(levels, at + 4, 1, page.num_values, levels.length);
      else if (page.encoding === 'RLE_DICTIONARY' || page.encoding === 'PLAIN_DICTIONARY') {
        const width = levels[at] ?? 0;
        checkStream(levels, at + 1, 2 ** Math.min(width, 32) - 1, page.num_values, levels.length);
      }
    }
  }
}

function levelsOf(schema: SchemaTree, path: readonly string[]): { repetition: number; definition: number } {
  let repetition = 0;
  let definition = 0;
  let node: SchemaTree | undefined = schema;
  for (const name of path) {
    node = node?.children.find(({ element }) => element.name === name);
    if (node?.element.repetition_type === 'REPEATED') repetition += 1;
    if (node?.element.repetition_type !== 'REQUIRED') definition += 1;
  }
  return { repetition, definition };
}

const lengthAt = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true);

/** Walks over runs as the decoder does: until all values are there. Returns where the stream says that it ends. */
function checkStream(bytes: Uint8Array, start: number, most: number, values: number, length: number): number {
  const width = Math.ceil(Math.log2(most + 1));
  let at = start;
  for (let seen = 0; seen < values && at < bytes.length; ) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      header = (header | ((byte & 127) << shift)) >>> 0;
      if (byte < 128 || shift > 28) break;
    }
    const count = header >>> 1;
    if ((header & 1) === 1) {
      // Groups of eight values, the last of which may be filled up.
      if (8 * count > values - seen + 8 * 64) {
        throw new Error(`a run of ${8 * count} packed values in a page of ${values}`);
      }
      at += count * width;
      seen += 8 * count;
    } else {
      if (count > values) throw new Error(`a run of ${count} in a page of ${values} values`);
      at += Math.ceil(width / 8);
      seen += count;
      // Nothing is gained by more than a few of these.
      if (count === 0 && at >= bytes.length) break;
    }
  }
  return start + length;
}
