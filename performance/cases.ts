import { InputError } from '../core/errors.ts';
import type { SpeedCase } from './case.ts';
import { ITERATION_CASES } from './iterations.ts';
import { MODEL_CASES } from './model.ts';
import { PLAIN_CASES } from './plain.ts';

/** Everything that is measured. */
export const SPEED_CASES: readonly SpeedCase[] = [...MODEL_CASES, ...ITERATION_CASES, ...PLAIN_CASES];

/**
 * The cases that are named, each by its id or by how its id begins; all when nothing is named.
 * @throws InputError that lists the ids when a name fits none.
 */
export function chooseCases(names: readonly string[]): readonly SpeedCase[] {
  const chosen = names.flatMap((name) => {
    const exact = SPEED_CASES.filter(({ id }) => id === name);
    const found = exact.length > 0 ? exact : SPEED_CASES.filter(({ id }) => id.startsWith(name));
    if (found.length > 0) return found;
    throw new InputError(
      `bench: '${name}' begins no case; valid: ${SPEED_CASES.map(({ id }) => id).join(', ')}`,
    );
  });
  return names.length === 0 ? SPEED_CASES : SPEED_CASES.filter((one) => chosen.includes(one));
}
