import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import type { Row } from './cell.ts';
import type { Column } from './columns.ts';

/**
 * Rows as CSV text: a header, then one line per row, each ending in a newline. Numbers keep full precision
 * (they read back to the same double); null, and a column that a row does not have, is an empty field.
 *
 * @throws Error when a row has a column that is not declared: nothing is dropped silently.
 */
export function formatCsv(columns: readonly Column[], rows: readonly Row[]): string {
  const names = columns.map((column) => column.name);
  const lines = rows.map((row) => {
    const extra = Object.keys(row).filter((name) => !names.includes(name));
    if (extra.length > 0) throw new Error(`row has columns that are not declared: ${extra.join(', ')}`);
    return names.map((name) => {
      const value = row[name];
      return value === null || value === undefined ? '' : String(value);
    });
  });
  return stringify([names, ...lines], { record_delimiter: '\n' });
}

/**
 * Reads what `formatCsv` wrote with the same columns: numbers as numbers, empty fields as null.
 *
 * @throws Error when the header, the number of fields or the last newline is not as written.
 */
export function parseCsv(columns: readonly Column[], text: string): readonly Row[] {
  if (!text.endsWith('\n')) throw new Error('the last line is cut off');
  const [header, ...lines] = parse(text) as string[][];
  const names = columns.map((column) => column.name);
  if (header?.join() !== names.join()) throw new Error('the columns are not those of this version');
  return lines.map((fields) => Object.fromEntries(names.map((name, i) => [name, readField(fields[i]!)])));
}

function readField(field: string): number | string | null {
  if (field === '') return null;
  const value = Number(field);
  return String(value) === field ? value : field;
}
