import type { AnyAlgorithm } from '../algorithms/algorithm.ts';
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
  const { value, problems } = readYaml(text ?? '{}');
  if (problems.length > 0) {
    throw new InputError(`--options: '${text}' is not YAML: ${problems[0]!.message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(`--options: '${text}' is not valid; valid: a mapping such as {entropy: exact}`);
  }
  const given = { ...first, ...value };
  const parsed = algorithm.schema.safeParse(given);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw new InputError(`--options: not valid for ${algorithm.id}: ${issues}`);
  }
  return { options: parsed.data, given };
}
