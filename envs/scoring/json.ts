import { InputError } from '../../core/errors.ts';

/**
 * The text of a file and the name that messages call it by.
 * @experimental
 */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** One record of a list, and where it stands: 'gold.json: item 3' or 'gold.jsonl: line 4'. */
export interface NamedRecord {
  readonly where: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** An object whose keys are not known in advance. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Parses one JSON document. `expected` describes the right shape and ends every message. A byte order mark
 * is ignored.
 * @param uniqueKeys true refuses an object with the same key twice (JSON.parse would keep the last one
 *   silently); costs a second pass over the text. Default false.
 * @throws InputError on an empty file, broken JSON or a repeated key, with line and column.
 */
export function parseJson(file: NamedText, expected: string, uniqueKeys = false): unknown {
  const text = file.text.startsWith('\ufeff') ? file.text.slice(1) : file.text;
  if (text.trim() === '') throw new InputError(`${file.name}: the file is empty; expected ${expected}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const { offset } = scanJson(text);
    throw new InputError(`${file.name}: broken JSON at ${place(text, offset)}; expected ${expected}`);
  }
  if (uniqueKeys) {
    const { repeatedKey, offset } = scanJson(text);
    if (repeatedKey !== undefined) {
      throw new InputError(
        `${file.name}: duplicate key ${repeatedKey} at ${place(text, offset)}; expected ${expected}`,
      );
    }
  }
  return value;
}

/**
 * Reads JSON Lines, one object a line, blank lines skipped; or, when the text begins with '[', one JSON array
 * of the same objects.
 * @throws InputError naming the line or item that is not an object, or when there is no record at all.
 */
export function parseRecords(file: NamedText, expected: string): NamedRecord[] {
  if (/^\ufeff?\s*\[/.test(file.text)) return recordsOf(parseJson(file, expected), file.name, expected);
  const lines = file.text.replace(/^\ufeff/, '').split('\n');
  const records: NamedRecord[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const where = `${file.name}: line ${index + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      const column = scanJson(line).offset + 1;
      throw new InputError(`${where}: broken JSON at column ${column}; expected ${expected}`);
    }
    records.push({ where, value: asFields(value, where, expected) });
  }
  if (records.length === 0) throw new InputError(`${file.name}: the file is empty; expected ${expected}`);
  return records;
}

/** The objects of a JSON array. Throws InputError when it is no array, is empty, or holds anything else. */
export function recordsOf(value: unknown, name: string, expected: string): NamedRecord[] {
  const items = asArray(value, name, expected);
  if (items.length === 0) throw new InputError(`${name}: the list is empty; expected ${expected}`);
  return items.map((item, index) => {
    const where = `${name}: item ${index}`;
    return { where, value: asFields(item, where, expected) };
  });
}

/** The value as an object, or InputError. */
export function asFields(value: unknown, where: string, expected: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(where, `${kind(value)} where an object belongs`, expected);
}

/** The value as an array, or InputError. */
export function asArray(value: unknown, where: string, expected: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(where, `${kind(value)} where a list belongs`, expected);
}

/** The value as a string, or InputError. */
export function asString(value: unknown, where: string, expected: string): string {
  if (typeof value === 'string') return value;
  throw wrong(where, `${kind(value)} where a string belongs`, expected);
}

/**
 * An accepted answer, or InputError: also for a list of answers that is packed into one text (["a", "b"] as JSON or as Python
 * prints it, {"target": …}), as some mirrors of data sets store them. Scored as one answer it would be right for nobody.
 */
export function asAnswer(value: unknown, where: string, expected: string): string {
  const text = asString(value, where, expected);
  const trimmed = text.trim();
  if (!/^[[{]/.test(trimmed)) return text;
  let list: unknown;
  try {
    list = JSON.parse(trimmed);
  } catch {
    // As Python prints it, or broken. Other brackets that are no JSON are part of an answer.
    if (!/^[[{]\s*["']/.test(trimmed)) return text;
  }
  throw wrong(
    where,
    `${list === undefined ? 'what may be a list' : kind(list)} packed into a text where one answer belongs`,
    expected,
  );
}

/** The value as a list of strings, or InputError. */
export function asStrings(value: unknown, where: string, expected: string): readonly string[] {
  return asArray(value, where, expected).map((item, index) => asString(item, `${where}[${index}]`, expected));
}

/** The value as an integer, or InputError. */
export function asInteger(value: unknown, where: string, expected: string): number {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw wrong(where, `${kind(value)} where an integer belongs`, expected);
}

/** The value as true or false, or InputError. */
export function asBoolean(value: unknown, where: string, expected: string): boolean {
  if (typeof value === 'boolean') return value;
  throw wrong(where, `${kind(value)} where true or false belongs`, expected);
}

/** An InputError with the common wording. */
export function wrong(where: string, what: string, expected: string): InputError {
  return new InputError(`${where}: ${what}; expected ${expected}`);
}

function kind(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const shown = JSON.stringify(value);
  return shown.length > 40 ? `${shown.slice(0, 40)}…` : shown;
}

function place(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return `line ${line}, column ${offset - before.lastIndexOf('\n')}`;
}

interface Scan {
  /** Where the first error, or else the repeated key, begins. */
  readonly offset: number;
  /** The first key that occurs twice in its object, as written, quotes included. */
  readonly repeatedKey?: string;
}

// A pattern for a whole string would keep a way back for each of its characters, and overflow V8's stack for them.
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids bare control characters in strings
const PLAIN = /[^"\\\0-\x1f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;
const BLANK = /[ \t\n\r]*/y;

/**
 * Walks over a JSON text token by token: to the first syntax error (JSON.parse of Node 20 does not always say
 * where that is) or, in a correct text, to the first key that its object already has.
 */
function scanJson(text: string): Scan {
  /** The open containers: the keys seen so far of an object, null for an array. */
  const open: (Set<string> | null)[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const takeString = (): string | undefined => {
    const start = at;
    if (text[at] !== '"') return undefined;
    at += 1;
    do take(PLAIN);
    while (take(ESCAPE) !== undefined);
    if (text[at] === '"') return text.slice(start, ++at);
    at = start;
    return undefined;
  };
  let repeated: Scan | undefined;
  let expecting: 'value' | 'value or ]' | 'key' | 'key or }' | 'after' = 'value';
  for (;;) {
    take(BLANK);
    const character = text[at];
    const inside = open.at(-1);
    if (character === undefined) break;
    if (expecting === 'key' || expecting === 'key or }') {
      if (expecting === 'key or }' && character === '}') {
        at += 1;
        open.pop();
        expecting = 'after';
        continue;
      }
      const start = at;
      const key = takeString();
      if (key === undefined) break;
      take(BLANK);
      if (text[at] !== ':') break;
      at += 1;
      const name = JSON.parse(key) as string;
      if (inside?.has(name)) repeated ??= { offset: start, repeatedKey: key };
      inside?.add(name);
      expecting = 'value';
    } else if (expecting === 'after') {
      if (inside === undefined || (character !== ',' && character !== (inside === null ? ']' : '}'))) break;
      at += 1;
      if (character === ',') expecting = inside === null ? 'value' : 'key';
      else open.pop();
    } else if (character === '{' || character === '[') {
      at += 1;
      open.push(character === '{' ? new Set() : null);
      expecting = character === '{' ? 'key or }' : 'value or ]';
    } else if (expecting === 'value or ]' && character === ']') {
      at += 1;
      open.pop();
      expecting = 'after';
    } else if ((takeString() ?? take(SCALAR)) === undefined) {
      break;
    } else {
      expecting = 'after';
    }
  }
  return repeated ?? { offset: at };
}
