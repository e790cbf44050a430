import { wrong } from '../scoring/json.ts';
import { type Context, quoted, textList } from './fields.ts';

/**
 * The accepted answers in a field: a list of texts, `{target: …}`, a text that stands alone, or JSON text of one of the
 * first two, as some mirrors store them. Blank answers are left out.
 * @throws InputError on a text that may be meant as a list but is not JSON of a list of texts: "['a', 'b']", "[1, 2]".
 *   In a list, the second is an answer.
 */
export function answerList(value: unknown, name: string, context: Context): readonly string[] {
  return listedAnswers(value, name, context) ?? textList(value, name, context);
}

/** As `answerList`; undefined if the field is absent, a text that is no list, or of another kind. */
export function listedAnswers(value: unknown, name: string, context: Context): readonly string[] | undefined {
  if (typeof value === 'string') return unpacked(value, 'alone', name, context);
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    return textList(value, name, context).flatMap(
      (item) => unpacked(item, 'listed', name, context) ?? [item],
    );
  }
  if ('target' in value) {
    const { target } = value;
    // No target in a target: a file may hold any depth of them.
    return typeof target === 'object' && target !== null && 'target' in target
      ? textList(target, `${name}.target`, context)
      : answerList(target, `${name}.target`, context);
  }
  if (Object.keys(value).length === 0) return [];
  throw wrong(`${context.where}: ${name}`, 'an object without target', context.expected);
}

/** The answers that a text is the JSON of; undefined if it is an answer itself. */
function unpacked(
  text: string,
  place: 'alone' | 'listed',
  name: string,
  context: Context,
): readonly string[] | undefined {
  const trimmed = text.trim();
  if (!/^[[{]/.test(trimmed)) return undefined;
  const value = parsed(trimmed);
  const isAnswers = Array.isArray(value)
    ? value.every((item) => typeof item === 'string' || item === null)
    : value !== undefined && 'target' in value;
  if (isAnswers) return answerList(value, name, context);
  // Broken JSON, or a list as Python prints it. Other brackets that are no JSON are part of an answer.
  const isBroken = value === undefined && /^[[{]\s*["']/.test(trimmed);
  if (!isBroken && (value === undefined || place === 'listed')) return undefined;
  const what = `${quoted(text)} may be a list or one answer (a list is written ["a", "b"], one answer ["[a]"])`;
  throw wrong(`${context.where}: ${name}`, what, context.expected);
}

/** The value of a JSON text that begins with a bracket; undefined if it is no JSON. */
function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
