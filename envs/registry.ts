import { InputError } from '../core/errors.ts';
import { keyDoorSpec } from './diagnostic/key-door.ts';
import { noisyToolSpec } from './diagnostic/noisy-tool.ts';
import { randomTreeSpec } from './diagnostic/random-tree.ts';
import { stopOrSearchSpec } from './diagnostic/stop-or-search.ts';
import { multihopSpec } from './multihop/spec.ts';
import { searchSpec } from './search/spec.ts';
import type { AnyEnvironmentSpec } from './spec.ts';

/** Every environment that comes with creditbench, in alphabetical order. */
export const ENVIRONMENTS = [
  keyDoorSpec,
  multihopSpec,
  noisyToolSpec,
  randomTreeSpec,
  searchSpec,
  stopOrSearchSpec,
] as const satisfies readonly AnyEnvironmentSpec[];

/** The registered environment of that id; an id without its version means the newest. */
export function findEnvironment(id: string): AnyEnvironmentSpec {
  const version = (spec: AnyEnvironmentSpec): number => Number(spec.id.split('/v')[1]);
  const found =
    ENVIRONMENTS.find((spec) => spec.id === id) ??
    ENVIRONMENTS.filter((spec) => spec.id.split('/v')[0] === id).sort((a, b) => version(b) - version(a))[0];
  if (found === undefined) {
    throw new InputError(
      `unknown environment '${id}'; valid: ${ENVIRONMENTS.map((spec) => spec.id).join(', ')}`,
    );
  }
  return found;
}
