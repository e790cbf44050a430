import type { AnyAlgorithm } from '../algorithms/algorithm.ts';
import { checkValue } from '../bench/suites/problems.ts';
import { readYaml } from '../bench/suites/yaml.ts';
import { InputError } from '../core/errors.ts';

/**
 * The options of an algorithm from `--options`.
 * @param text YAML: '{entropy: exact}'.
 * @param first what stands before it, as of a budget.
 * @returns the complete options, and what was given of them.
 * @throws InputError when the text is no YAML mapping, or the algorithm refuses it.
 */
export function algorithmOptions(
  algorithm: AnyAlgorithm,
  text: string | undefined,
  first: object = {},
): { readonly options: unknown; readonly given: object } {
  const { value, problems: broken } = readYaml(text ?? '{}');
  if (broken.length > 0) {
    throw new InputError(`--options: '${text}' is not YAML: ${broken[0]!.message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(`--options: '${text}' is not valid; valid: a mapping such as {entropy: exact}`);
  }
  const given = { ...first, ...value };
  const checked = checkValue(algorithm.schema, given);
  if ('value' in checked) return { options: checked.value, given };
  // What concerns the whole has no path.
  const problems = checked.problems.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new InputError(`--options: not valid for ${algorithm.id}: ${problems.join('; ')}`);
}
