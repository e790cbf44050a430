import { type AsyncBuffer, parquetMetadataAsync, type RowGroup } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { parquet, text } from './parquet.test-helper.ts';
import { checkColumns, checkFooter, checkRowGroup } from './parquet-limits.ts';

const bytes = parquet(
  [text('a'), text('b')],
  Array.from({ length: 50 }, (_, i) => ({ a: `a${i}`, b: `b${i}` })),
);
const buffer: AsyncBuffer = {
  byteLength: bytes.length,
  slice: (start, end) => bytes.slice(start, end).buffer,
};

async function group(change: (group: RowGroup) => RowGroup = (same) => same): Promise<RowGroup> {
  return change((await parquetMetadataAsync(buffer)).row_groups[0]!);
}

/** The group with its first column's metadata changed. */
function withColumn(change: Record<string, unknown>): (group: RowGroup) => RowGroup {
  return (same) => ({
    ...same,
    columns: same.columns.map((column, i) =>
      i === 0 ? { ...column, meta_data: { ...column.meta_data!, ...change } } : column,
    ),
  });
}

describe('limits of Parquet files', () => {
  it('lets a correct file through', async () => {
    await checkFooter(buffer);
    await checkRowGroup(buffer, await group(), ['a', 'b']);
  });

  it.each([
    [(same: RowGroup) => ({ ...same, num_rows: 2n ** 62n }), /rows 4611686018427387904; valid: 0 to 2097152/],
    [(same: RowGroup) => ({ ...same, num_rows: 51n }), /column a has 50 values for 51 rows/],
    [withColumn({ total_compressed_size: 2n ** 40n }), /column size 1099511627776; valid: 0 to/],
    [
      withColumn({ data_page_offset: 2n ** 40n, dictionary_page_offset: undefined }),
      /offset 1099511627776; valid/,
    ],
    [withColumn({ data_page_offset: -5n, dictionary_page_offset: undefined }), /offset -5; valid/],
  ])('refuses a claim that does not fit the file (%#)', async (change, message) => {
    await expect(checkRowGroup(buffer, await group(change), ['a', 'b'])).rejects.toThrow(message);
  });

  it('asks for one chunk per column of the schema, in its order', async () => {
    const metadata = await parquetMetadataAsync(buffer);
    checkColumns(metadata);
    const changed = (change: (group: RowGroup) => RowGroup) => () =>
      checkColumns({ ...metadata, row_groups: metadata.row_groups.map(change) });
    const message = /column 1 of row group 1 is not that of the schema/;
    expect(changed(withColumn({ path_in_schema: ['c'] }))).toThrow(message);
    expect(changed((same) => ({ ...same, columns: same.columns.slice(1) }))).toThrow(message);
    expect(changed((same) => ({ ...same, columns: [...same.columns, same.columns[0]!] }))).toThrow(
      /column 3 of row group 1/,
    );
    const twins = metadata.schema.map((element, i) => (i === 2 ? { ...element, name: 'a' } : element));
    expect(() => checkColumns({ ...metadata, schema: twins })).toThrow(/two columns of the same name/);
  });

  it('does not look at columns that are not read, but asks for one', async () => {
    const broken = await group(withColumn({ total_compressed_size: 2n ** 40n }));
    await checkRowGroup(buffer, broken, ['b']);
    await expect(checkRowGroup(buffer, broken, ['c'])).rejects.toThrow(/a row group without the columns/);
  });

  it('refuses pages that claim too much', async () => {
    const { meta_data: column } = (await group()).columns[0]!;
    const start = Number(column!.dictionary_page_offset || column!.data_page_offset);
    /** A data page header: type, both sizes, and inside it the number of values. */
    const page = (uncompressed: number[], compressed: number[], values: number[]) => {
      const header = [
        0x15,
        0,
        0x15,
        ...uncompressed,
        0x15,
        ...compressed,
        0x2c,
        0x15,
        ...values,
        0x15,
        0,
        0,
        0,
      ];
      const changed = bytes.slice();
      changed.set(header, start);
      return { byteLength: changed.length, slice: (a: number, b?: number) => changed.slice(a, b).buffer };
    };
    const billion = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    const check = async (file: AsyncBuffer) => checkRowGroup(file, await group(), ['a']);
    await expect(check(page(billion, [2], [2]))).rejects.toThrow(
      /page size 2147483647; valid: 0 to 268435456/,
    );
    await expect(check(page([2], billion, [2]))).rejects.toThrow(/page size 2147483647; valid: 0 to/);
    await expect(check(page([2], [2], billion))).rejects.toThrow(
      /page values 2147483647; valid: 0 to 16777216/,
    );

    // A page of version 2, with the lengths of its levels.
    const second = (nulls: number, rows: number, definition: number[], repetition: number) => {
      const inner = [0x15, 20, 0x15, nulls, 0x15, rows, 0x15, 0, 0x15, ...definition, 0x15, repetition, 0];
      const changed = bytes.slice();
      changed.set([0x15, 6, 0x15, 40, 0x15, 40, 0x5c, ...inner, 0], start);
      return { byteLength: changed.length, slice: (a: number, b?: number) => changed.slice(a, b).buffer };
    };
    await expect(check(second(22, 20, [4], 0))).rejects.toThrow(/null values 11; valid: 0 to 10/);
    await expect(check(second(0, 22, [4], 0))).rejects.toThrow(/page rows 11; valid: 0 to 10/);
    await expect(check(second(0, 20, [5], 0))).rejects.toThrow(/level bytes -3; valid: 0 to 20/);
    await expect(check(second(0, 20, [0xfe, 0x7f], 0))).rejects.toThrow(/level bytes 8191; valid: 0 to 20/);
    await expect(check(second(0, 20, [30], 30))).rejects.toThrow(/level bytes 15; valid: 0 to 5/);
  });
});
