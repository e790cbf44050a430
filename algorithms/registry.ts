import { InputError } from '../core/errors.ts';
import type { AnyAlgorithm } from './algorithm.ts';
import { carl } from './carl/index.ts';
import { carlExact } from './carl-exact/index.ts';
import { carlLite } from './carl-lite/index.ts';
import { grpo } from './grpo/index.ts';
import { rloo } from './rloo/index.ts';

/** Every algorithm that comes with creditbench, in alphabetical order. */
export const ALGORITHMS = [carl, carlExact, carlLite, grpo, rloo] as const satisfies readonly AnyAlgorithm[];

/** The registered algorithm of that id. Throws an InputError that lists the ids. */
export function findAlgorithm(id: string): AnyAlgorithm {
  const found = ALGORITHMS.find((algorithm) => algorithm.id === id);
  if (found === undefined) {
    throw new InputError(
      `unknown algorithm '${id}'; valid: ${ALGORITHMS.map((algorithm) => algorithm.id).join(', ')}`,
    );
  }
  return found;
}
