import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { printable } from '../core/printable.ts';
import type { Row } from './cell.ts';
import { type Column, isText } from './columns.ts';

/** Characters of a wrong field in a message. */
const SHOWN_LENGTH = 40;

/** Texts that spreadsheets would compute, and those that look like what is written in their place. */
const FORMULA = /^['=+\-@\t\r]/;

/**
 * Rows as CSV text: a header, then one line per row, each ending in a newline. Numbers keep full precision
 * (they read back to the same double); null, and a column that a row does not have, is an empty field. A text
 * that a spreadsheet would take for a formula (names come from files) gets an apostrophe in front.
 *
 * @throws Error when a row has a column that is not declared: nothing is dropped silently.
 */
export function formatCsv(columns: readonly Column[], rows: readonly Row[]): string {
  const names = columns.map((column) => column.name);
  const declared = new Set(names);
  const lines = rows.map((row) => {
    const extra = Object.keys(row).filter((name) => !declared.has(name));
    if (extra.length > 0) throw new Error(`row has columns that are not declared: ${extra.join(', ')}`);
    return names.map((name) => writeField(row[name]));
  });
  return stringify([names, ...lines], { record_delimiter: '\n' });
}

function writeField(value: Row[string] | undefined): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value);
}

/**
 * Reads what `formatCsv` wrote with the same columns: numbers as numbers, empty fields as null.
 *
 * @throws Error when the header, the number of fields or the last newline is not as written, or a text is where a
 *   number belongs, with its row (from 1, without the header) and column.
 */
export function parseCsv(columns: readonly Column[], text: string): readonly Row[] {
  if (!text.endsWith('\n')) throw new Error('the last line is cut off');
  const [header = [], ...lines] = parse(text) as string[][];
  const names = columns.map((column) => column.name);
  if (header.join() !== names.join()) {
    const list = (what: string, some: readonly string[]) =>
      some.length === 0 ? [] : [`${what} ${some.join(', ')}`];
    const differences = [
      ...list(
        'missing',
        names.filter((name) => !header.includes(name)),
      ),
      ...list(
        'unknown',
        header.filter((name) => !names.includes(name)),
      ),
    ];
    throw new Error(
      `the columns are not those of this version: ${differences.join('; ') || 'their order differs'}`,
    );
  }
  return lines.map((fields, row) =>
    Object.fromEntries(columns.map((column, i) => [column.name, readField(column, fields[i]!, row)])),
  );
}

function readField(column: Column, field: string, row: number): number | string | null {
  if (field === '') return null;
  if (isText(column)) return field.startsWith("'") ? field.slice(1) : field;
  const value = Number(field);
  if (String(value) === field) return value;
  const shown = printable(field.slice(0, SHOWN_LENGTH));
  throw new Error(`row ${row + 1}, column ${column.name}: ${JSON.stringify(shown)} is not a number`);
}
