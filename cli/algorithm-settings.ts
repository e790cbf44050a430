import type { AnyAlgorithm } from '../algorithms/algorithm.ts';
import { applySetting } from '../bench/suites/override.ts';
import { checkValue } from '../bench/suites/problems.ts';
import { InputError } from '../core/errors.ts';

/** Whether a setting is about one of these algorithms: 'carl.entropy=exact'. */
export const isAbout = (setting: string, ids: readonly string[]): boolean =>
  ids.some((id) => setting.startsWith(`${id}.`));

/**
 * The options of algorithms, with those that `--set ID.OPTION=VALUE` gives them.
 * @param first what stands before the settings, as of a budget.
 * @returns the complete options, by id.
 * @throws InputError when a setting is about no algorithm that is there, or the algorithm refuses it.
 */
export function settingsOf(
  algorithms: readonly AnyAlgorithm[],
  settings: readonly string[],
  first: (algorithm: AnyAlgorithm) => object = () => ({}),
): ReadonlyMap<string, object> {
  const ids = algorithms.map(({ id }) => id);
  const raw = Object.fromEntries(algorithms.map((algorithm) => [algorithm.id, { ...first(algorithm) }]));
  for (const setting of settings) {
    if (!isAbout(setting, ids)) {
      throw new InputError(
        `--set ${setting}: not valid; valid: METHOD.OPTION=VALUE, the method being ${ids.length > 8 ? 'one that is asked for' : ids.join(', ')}`,
      );
    }
    applySetting(raw, setting, () => undefined);
  }
  return new Map(
    algorithms.map(({ id, schema }) => {
      const checked = checkValue(schema, raw[id], [id]);
      if ('value' in checked) return [id, checked.value as object];
      const problems = checked.problems.map(
        ({ path, message }) => `${path.map(String).join('.')}: ${message}`,
      );
      throw new InputError(`--set: ${problems.join('; ')}`);
    }),
  );
}
