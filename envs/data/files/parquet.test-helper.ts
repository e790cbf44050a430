import { parquetWriteBuffer, type SchemaElement } from 'hyparquet-writer';

type Repetition = 'REQUIRED' | 'OPTIONAL' | 'REPEATED';

/** A text column of a schema. */
export function text(name: string, repetition: Repetition = 'OPTIONAL'): SchemaElement[] {
  return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: repetition }];
}

/** A column of whole numbers of 64 bits. */
export function int64(name: string): SchemaElement[] {
  return [{ name, type: 'INT64', repetition_type: 'OPTIONAL' }];
}

/** A struct of columns. */
export function struct(name: string, ...children: SchemaElement[][]): SchemaElement[] {
  return [{ name, repetition_type: 'OPTIONAL', num_children: children.length }, ...children.flat()];
}

/** A list in the layout that Arrow writes; its element is named 'element'. */
export function list(name: string, element: SchemaElement[]): SchemaElement[] {
  return [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...element,
  ];
}

/** A Parquet file of these rows, Snappy-compressed. */
export function parquet(
  columns: readonly SchemaElement[][],
  rows: readonly Record<string, unknown>[],
  rowGroupSize = 1000,
): Uint8Array {
  const schema = [{ name: 'root', num_children: columns.length }, ...columns.flat()];
  const columnData = columns.map((elements) => {
    const { name } = elements[0]!;
    return { name, data: rows.map((row) => row[name] ?? null) };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, rowGroupSize }));
}
