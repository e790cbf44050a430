import { z } from 'zod';
import { InputError } from '../core/errors.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from './diagnostic/stop-or-search.ts';
import { multihopSpec } from './multihop/spec.ts';
import type { EnvironmentSpec } from './spec.ts';

const stopOrSearchSpec: EnvironmentSpec<{ searchReward: number }> = {
  id: 'stop-or-search/v1',
  title: 'stop for a sure reward, or search and choose: the smallest credit-assignment problem',
  tags: ['diagnostic', 'exact'],
  schema: z.strictObject({ searchReward: z.number().min(-1).max(1).default(0) }).prefault({}),
  load: async (options) => ({
    environment: stopOrSearch(options.searchReward),
    tasks: { train: [STOP_OR_SEARCH_TASK], dev: [STOP_OR_SEARCH_TASK], test: [STOP_OR_SEARCH_TASK] },
    fingerprint: `stop-or-search/v1 ${options.searchReward}`,
  }),
};

// biome-ignore lint/suspicious/noExplicitAny: a registry holds specs of every options type
export type AnyEnvironmentSpec = EnvironmentSpec<any>;

/** Every environment that comes with creditbench, in alphabetical order. */
export const ENVIRONMENTS = [multihopSpec, stopOrSearchSpec] as const satisfies readonly AnyEnvironmentSpec[];

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
