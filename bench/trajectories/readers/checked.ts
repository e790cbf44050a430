import { z } from 'zod';
import { InputError } from '../../../core/errors.ts';

/** Where a record is, for messages: 'traces.jsonl, line 12'. */
export type Where = string;

/** A list that is looked at up to its first wrong element: a schema that lists all of them takes memory for each. */
function list<T>(what: string, is: (value: unknown) => boolean): z.ZodType<readonly T[]> {
  return z.custom<readonly T[]>().superRefine((value: unknown, context) => {
    if (!Array.isArray(value)) {
      context.addIssue({ code: 'custom', message: `no list; valid: a list of ${what}` });
      return;
    }
    for (let index = 0; index < value.length; index++) {
      if (is(value[index])) continue;
      context.addIssue({ code: 'custom', path: [index], message: `valid: ${what}` });
      return;
    }
  });
}

/** Token ids. */
export const idList = list<number>(
  'token ids, whole numbers from 0 to 2^31 - 1',
  (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31,
);
/** Finite numbers. */
export const numberList = list<number>('finite numbers', Number.isFinite);
export const booleanList = list<boolean>('true or false', (value) => typeof value === 'boolean');
/** A list of anything: its elements are checked one by one, with `checked`. */
export const anyList = list<unknown>('anything', () => true);

/** The path of a field as people write it: nodes[3].logprobs. */
function fieldName(path: readonly PropertyKey[]): string {
  let name = '';
  for (const key of path) {
    if (typeof key === 'number') name += `[${key}]`;
    else name += name === '' ? String(key) : `.${String(key)}`;
  }
  return name;
}

/**
 * The value, if it is of the schema.
 * @param field what the value is called, '' for a whole record.
 * @throws InputError naming the first field that is wrong.
 */
export function checked<T>(schema: z.ZodType<T>, value: unknown, where: Where, field = ''): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const { path, message } = read.error.issues[0]!;
  const name = fieldName(field === '' ? path : [field, ...path]) || 'the record';
  throw new InputError(`${where}: ${name}: ${message}`);
}

/** @throws InputError when a list beside the tokens has another length than it must have. */
export function checkLength(
  values: readonly unknown[] | undefined,
  length: number,
  of: string,
  where: Where,
  field: string,
): void {
  if (values === undefined || values.length === length) return;
  throw new InputError(`${where}: ${field} has ${values.length} elements; valid: ${length}, ${of}`);
}

/** Names in the own format have at most 1000 characters and at least one. */
export function checkName(name: string, where: Where, field: string): string {
  if (name !== '' && name.length <= 1000) return name;
  const what = name === '' ? 'empty' : `${name.length} characters long`;
  throw new InputError(`${where}: ${field} is ${what}; valid: 1 to 1000 characters`);
}
