import { printable } from '../../core/printable.ts';
import { asArray, asFields, asString, type Fields, wrong } from '../scoring/json.ts';

/** Where a record stands and what belongs there: for messages. */
export interface Context {
  /** 'dev.json, line 12' */
  readonly where: string;
  /** What a record of the format looks like. */
  readonly expected: string;
}

/** True for what counts as not there: undefined, null, blank text. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** A field that has to be a string with something in it. */
export function textField(fields: Fields, name: string, { where, expected }: Context): string {
  const text = asString(fields[name], `${where}: ${name}`, expected);
  if (text.trim() === '') throw wrong(`${where}: ${name}`, 'blank text', expected);
  return text;
}

/** A field that has to be a string or a whole number, as a string. */
export function idField(fields: Fields, name: string, context: Context): string {
  const value = fields[name];
  return Number.isSafeInteger(value) ? String(value) : textField(fields, name, context);
}

/** The text of an optional field, or undefined. */
export function optionalText(fields: Fields, name: string, context: Context): string | undefined {
  return isAbsent(fields[name]) ? undefined : textField(fields, name, context);
}

/** The object in an optional field, or {}. */
export function optionalFields(fields: Fields, name: string, { where, expected }: Context): Fields {
  const value = fields[name];
  return isAbsent(value) ? {} : asFields(value, `${where}: ${name}`, expected);
}

/** The value, or what it is the JSON text of: some mirrors store lists as text. */
export function unpacked(value: unknown, name: string, { where, expected }: Context): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    throw wrong(`${where}: ${name}`, 'text that is no JSON', expected);
  }
}

/** A list of texts, blank ones left out; [] where there is nothing. A text that stands alone is a list of one. */
export function textList(value: unknown, name: string, { where, expected }: Context): readonly string[] {
  if (isAbsent(value)) return [];
  if (typeof value === 'string') return [value];
  const items = asArray(value, `${where}: ${name}`, expected);
  return items
    .map((item, i) => (isAbsent(item) ? '' : asString(item, `${where}: ${name}[${i}]`, expected)))
    .filter((item) => item.trim() !== '');
}

/** Every text once, in the order in which they first come. */
export function distinct(texts: Iterable<string>): readonly string[] {
  return [...new Set(texts)];
}

/** The names whose fields are absent. */
export function absentNames(fields: Fields, names: readonly string[]): readonly string[] {
  return names.filter((name) => isAbsent(fields[name]));
}

/** A text from a file in quotes, printable, at most 60 characters: for messages. */
export function quoted(text: string): string {
  const shown = printable(text);
  return JSON.stringify(shown.length > 60 ? `${shown.slice(0, 60)}…` : shown);
}
