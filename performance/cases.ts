import { InputError } from '../core/errors.ts';
import type { SpeedCase } from './case.ts';
import { ITERATION_CASES } from './iterations.ts';
import { MODEL_CASES } from './model.ts';
import { PLAIN_CASES } from './plain.ts';

/** Everything that is measured. */
export const SPEED_CASES: readonly SpeedCase[] = [...MODEL_CASES, ...ITERATION_CASES, ...PLAIN_CASES];

/**
 * The cases whose ids begin with one of the given beginnings; all when none is given.
 * @throws InputError that lists the ids when nothing begins so.
 */
export function chooseCases(beginnings: readonly string[]): readonly SpeedCase[] {
  for (const beginning of beginnings) {
    if (SPEED_CASES.some(({ id }) => id.startsWith(beginning))) continue;
    const ids = SPEED_CASES.map(({ id }) => id).join(', ');
    throw new InputError(`bench: '${beginning}' begins no case; valid: ${ids}`);
  }
  if (beginnings.length === 0) return SPEED_CASES;
  return SPEED_CASES.filter(({ id }) => beginnings.some((beginning) => id.startsWith(beginning)));
}
