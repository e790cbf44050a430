import { InputError } from '../../core/errors.ts';
import { isCodeReference } from '../catalog/source.ts';
import type { Path } from './problems.ts';
import { readYaml } from './yaml.ts';

/** A value given on the command line, and where it went. */
export interface Override {
  readonly path: Path;
  /** How to name it in messages: '--set training.iterations=5'. */
  readonly label: string;
}

type Plain = Record<PropertyKey, unknown>;

const isPlain = (value: unknown): value is Plain =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/**
 * Writes `key=value` into a suite's raw content. The key is a dotted path; an element of a list is named by its
 * `name`, its `id` (with or without version) or its position. The value is read as YAML.
 *
 * @param idOf the id of a user's own that an entry of a list names by its source; undefined if it is not loaded.
 * @returns undefined where the path may lead to an entry whose id is not known yet.
 * @throws InputError when the text has no '=', the value is no YAML, or the path leads nowhere. Whether the last
 *   key exists is left to the validation of the whole.
 */
export function applySetting(root: Plain, setting: string, idOf: IdOf): Override | undefined {
  const equals = setting.indexOf('=');
  const label = `--set ${setting}`;
  if (equals < 1) {
    throw new InputError(`${label}: not valid; valid: key=value, for example training.iterations=5`);
  }
  const keys = setting.slice(0, equals).split('.');
  if (keys.some((key) => key === '' || key === '__proto__')) {
    throw new InputError(`${label}: the key is not valid; valid: names separated by dots`);
  }
  const { value, problems } = readYaml(setting.slice(equals + 1));
  if (problems.length > 0) {
    throw new InputError(`${label}: the value is not valid YAML: ${problems[0]!.message}`);
  }
  return setPath(root, keys, value, label, idOf);
}

type IdOf = (list: string, source: string) => string | undefined;

function setPath(
  root: Plain,
  keys: readonly string[],
  value: unknown,
  label: string,
  idOf: IdOf,
): Override | undefined {
  const path: PropertyKey[] = [];
  let at: unknown = root;
  for (const [i, key] of keys.entries()) {
    const last = i === keys.length - 1;
    if (Array.isArray(at)) {
      const list = keys[i - 1] ?? '';
      const known = at.map((element) => withId(element, list, idOf));
      const index = findElement(known, key);
      if (index === -1) {
        if (known.some((element) => isPlain(element) && isOpen(element))) return undefined;
        throw new InputError(
          `${label}: '${key}' is not in ${keys.slice(0, i).join('.')}; valid: ${known.map((element, index) => nameOf(element, String(index))).join(', ')}`,
        );
      }
      path.push(index);
      if (last) at[index] = value;
      at = at[index];
    } else if (isPlain(at)) {
      path.push(key);
      if (last) at[key] = value;
      else if (at[key] === undefined || at[key] === null) at[key] = {};
      at = at[key];
    } else {
      const where = keys.slice(0, i).join('.');
      throw new InputError(`${label}: ${where} is a single value and has no '${key}'; valid: ${where}=value`);
    }
  }
  return { path, label };
}

/** What an entry of a list is called: its `name`, its `id`, or else `other`. */
export function nameOf(element: unknown, other: string): string {
  if (!isPlain(element)) return other;
  // Anything may stand there, and not everything can be made a text.
  return [element.name, element.id].find((name) => typeof name === 'string') ?? other;
}

/** An entry with the id of a user's own in place of its source. */
function withId(element: unknown, list: string, idOf: IdOf): unknown {
  if (!isPlain(element) || typeof element.id !== 'string') return element;
  return { ...element, id: idOf(list, element.id) ?? element.id };
}

/** Whether the id of an entry is the source of something that is not loaded. */
const isOpen = ({ id }: Plain): boolean => typeof id === 'string' && isCodeReference(id);

function findElement(list: readonly unknown[], key: string): number {
  const by = (matches: (element: Plain) => boolean) =>
    list.findIndex((element) => isPlain(element) && matches(element));
  const found = [
    by((element) => element.name === key),
    by((element) => element.id === key),
    by(({ id }) => typeof id === 'string' && id.split('/')[0] === key),
    /^\d+$/.test(key) && Number(key) < list.length ? Number(key) : -1,
  ];
  return found.find((index) => index !== -1) ?? -1;
}
