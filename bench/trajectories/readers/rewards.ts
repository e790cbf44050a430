import { InputError } from '../../../core/errors.ts';
import type { Where } from './checked.ts';

/** What a field of a record is, by its path: 'extra.reward'. Own properties only. */
export function valueAt(record: unknown, path: string): unknown {
  let value = record;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/**
 * The number at a path, or the sum of the numbers of an object or list; true counts 1 and false 0. Undefined if nothing is
 * there.
 * @throws InputError when something else is there.
 */
export function numberAt(record: unknown, path: string, where: Where, field = ''): number | undefined {
  const value = valueAt(record, path);
  if (value === undefined || value === null) return undefined;
  const parts = typeof value === 'object' ? Object.values(value) : [value];
  let sum = 0;
  for (const part of parts) {
    if (part === null) continue;
    if (typeof part !== 'number' && typeof part !== 'boolean') return wrong(where, field, path);
    sum += Number(part);
  }
  return Number.isFinite(sum) ? sum : wrong(where, field, path);
}

function wrong(where: Where, field: string, path: string): never {
  throw new InputError(
    `${where}: ${field === '' ? '' : `${field}.`}${path} is no reward; valid: a finite number, true or false, or several by name`,
  );
}

/**
 * The reward of a record: the weighted sum of the fields that the user names, or the first of the usual ones that is there.
 * Undefined if there is none.
 * @throws InputError as `numberAt`.
 */
export function rewardIn(
  record: unknown,
  named: Readonly<Record<string, number>> | undefined,
  usual: readonly string[],
  where: Where,
): number | undefined {
  if (named === undefined) {
    for (const path of usual) {
      const value = numberAt(record, path, where);
      if (value !== undefined) return value;
    }
    return undefined;
  }
  let sum: number | undefined;
  for (const [path, weight] of Object.entries(named)) {
    const value = numberAt(record, path, where);
    if (value !== undefined) sum = (sum ?? 0) + weight * value;
  }
  return sum;
}
