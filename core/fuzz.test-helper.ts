import { getHeapStatistics } from 'node:v8';
import { runInThisContext } from 'node:vm';
import fc, { type Arbitrary } from 'fast-check';
import { InputError } from './errors.ts';

/** Every case, and the same ones each time: in the slow set of tests. */
const IS_ALL = process.env.FUZZ === 'all';
/** Cases that every parser is given: a few in the fast set. */
const CASES = IS_ALL ? 10_000 : 300;
/**
 * The fast set tries others each time. A failure prints its seed, with which it comes again (FUZZ_SEED=... npm test), and
 * is then kept as a test of its own ("bugs that were found").
 */
const SEED = Number(process.env.FUZZ_SEED ?? (IS_ALL ? 20_261_126 : Math.floor(Math.random() * 2 ** 31)));
/** What parsing a few kilobytes may take at most, in bytes, whether or not it is touched. */
const MEMORY = 256 * 2 ** 20;
/** Long enough for all cases on a busy machine: says that something hangs, and nothing about speed. */
const HANG_MS = 200_000;
const MESSAGE_LENGTH = 10_000;

interface FuzzOptions {
  /** In place of the usual number of cases. */
  readonly cases?: number;
  /** Of the usual number of cases. */
  readonly share?: number;
  readonly hangMs?: number;
}

/**
 * Gives a parser many inputs. It has to return, or to throw an InputError whose message is short and has no control
 * characters; not hang, not take memory beyond measure, not change `Object.prototype`.
 * @param parse synchronous, so that a hang can be ended.
 * @throws Error with the smallest failing input that was found.
 */
export function fuzz<T>(inputs: Arbitrary<T>, parse: (input: T) => unknown, options: FuzzOptions = {}): void {
  let last: T | undefined;
  const property = fc.property(inputs, (input) => {
    last = input;
    const before = watch();
    try {
      parse(input);
    } catch (error) {
      checkError(error);
    }
    before.check();
  });
  // The only way to end a synchronous loop from within its own process.
  Object.assign(globalThis, { fuzzed: () => fc.assert(property, parameters(options)) });
  try {
    runInThisContext('fuzzed()', { timeout: options.hangMs ?? HANG_MS });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new Error(`seed ${SEED}: the parser does not return from ${fc.stringify(last).slice(0, 2000)}`);
  }
}

/**
 * As `fuzz`, for loaders that wait for files. A loader that never settles is a failure; one that loops without ever
 * waiting cannot be ended.
 */
export async function fuzzAsync<T>(
  inputs: Arbitrary<T>,
  load: (input: T) => Promise<unknown>,
  options: FuzzOptions = {},
): Promise<void> {
  const property = fc.asyncProperty(inputs, async (input) => {
    const before = watch();
    try {
      await load(input);
    } catch (error) {
      checkError(error);
    }
    before.check();
  });
  await fc.assert(property, { ...parameters(options), timeout: options.hangMs ?? HANG_MS });
}

/** How many cases such a share of the usual number is. */
export const casesOf = (share: number): number => Math.max(10, Math.ceil(share * CASES));

const parameters = ({ share = 1, cases = casesOf(share) }: FuzzOptions) => ({
  numRuns: cases,
  seed: SEED,
  includeErrorInReport: true,
});

function checkError(error: unknown): void {
  if (!(error instanceof InputError)) throw error;
  if (error.message.length > MESSAGE_LENGTH) {
    throw new Error(`a message of ${error.message.length} characters: ${error.message.slice(0, 200)}`);
  }
  const control = /(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.exec(error.message)?.[0];
  if (control !== undefined) {
    throw new Error(
      `a message with U+${control.charCodeAt(0).toString(16)}: ${JSON.stringify(error.message)}`,
    );
  }
}

/** What V8 has taken for its heap and for buffers, touched or not. No system call: those cost more than most parsers. */
function memory(): number {
  const { total_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

function watch(): { check(): void } {
  const before = memory();
  return {
    check: () => {
      const taken = memory() - before;
      if (taken > MEMORY) throw new Error(`${taken} bytes taken`);
      for (const key in {}) {
        delete (Object.prototype as Record<string, unknown>)[key];
        throw new Error(`Object.prototype has got ${JSON.stringify(key)}`);
      }
    },
  };
}

const KEYS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', 'then', ''];
const NUMBERS = [
  ...['1e999', '-1e999', '1e308', '18446744073709551616', '-9223372036854775809', '4294967296', '-1', '0'],
  ...['0.1', '1e-320', '-0', '9007199254740993', '1000000000000', 'NaN', 'Infinity', '0x7fffffff'],
];
/** Pieces of text that have broken parsers before. */
const TEXTS = [
  ...['\0', '\u001b[2J', '\u001b]0;x\u0007', '\u009b31m', '\u202e', '\u2028', '\ufeff', '\r', '\t', '\ufffd'],
  ...[
    '\\ud800',
    '\\u0000',
    '"',
    "'",
    '`',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\n',
    '\n---\n',
    '|',
    '<',
    '>',
    '%',
  ],
  ...['&a [*a]', '*a', '<<: *a', '!!js/function "x"', '!x ', '../', '/', '=1+1', '-', '+', '@', '//', '?'],
  ...[
    'null',
    'true',
    '{}',
    '[]',
    '""',
    '</search>',
    '<answer>',
    '<|end|>',
    '.',
    '..',
    '__proto__',
    'constructor',
  ],
  '\ud83d',
];

/** As much of something as ends a stack, or takes a slow pattern forever: in few cases, because it costs time. */
const LARGE = [
  '['.repeat(12_000),
  '{"a":'.repeat(12_000),
  '- '.repeat(12_000),
  ' '.repeat(20_000),
  'x'.repeat(70_000),
];

interface Edit {
  readonly kind: number;
  /** Place and length, as shares of the content. */
  readonly at: number;
  readonly to: number;
  readonly pick: number;
  readonly bytes: Uint8Array;
}

// Not fc.double, most of whose numbers are next to 0.
const share = fc.nat(2 ** 20).map((part) => part / 2 ** 20);
const edits = fc.array(
  fc.record({
    kind: fc.nat(8),
    at: share,
    to: share,
    pick: fc.nat(1000),
    bytes: fc.uint8Array({ maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 4 },
);

/**
 * Bytes near valid content: flipped, cut, inserted, deleted and repeated pieces, numbers that are too large, keys that
 * objects have by themselves, deep nesting, control characters; now and then any bytes at all.
 */
export function mutatedBytes(valid: readonly (Uint8Array | string)[]): Arbitrary<Uint8Array> {
  const contents = valid.map((content) => Buffer.from(content));
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    {
      weight: 9,
      arbitrary: fc
        .tuple(fc.constantFrom(...contents), edits)
        .map(([content, changes]) => changes.reduce<Uint8Array>(edited, content)),
    },
  );
}

/** As `mutatedBytes`, of texts; lone surrogates among them. */
export function mutatedText(valid: readonly string[]): Arbitrary<string> {
  return fc.oneof(
    { weight: 1, arbitrary: anyText },
    {
      weight: 1,
      arbitrary: fc.array(piece, { maxLength: 6 }).map(joined),
    },
    { weight: 8, arbitrary: mutatedBytes(valid).map((bytes) => Buffer.from(bytes).toString('utf8')) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...valid), share, piece)
        .map(([text, at, what]) => insert(text, at, what)),
    },
  );
}

const piece = fc.oneof(
  { weight: 99, arbitrary: fc.constantFrom('\ud800', '\udfff', ...TEXTS, ...NUMBERS, ...KEYS) },
  { weight: 1, arbitrary: fc.constantFrom(...LARGE) },
);
/** Of any code points, surrogates among them. `fc.string` would make a table of all of them first. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xff), fc.nat(0xffff), fc.nat(0x10ffff)), { maxLength: 200 })
  .map((points) => String.fromCodePoint(...points));
const joined = (parts: readonly string[]): string => parts.join('');
const insert = (text: string, at: number, what: string): string =>
  text.slice(0, Math.floor(at * text.length)) + what + text.slice(Math.floor(at * text.length));

function edited(content: Uint8Array, { kind, at, to, pick, bytes }: Edit): Uint8Array {
  const from = Math.floor(at * content.length);
  const length = Math.min(content.length - from, Math.floor(to * to * Math.min(content.length, 4000)));
  const replace = (until: number, ...pieces: readonly Uint8Array[]): Uint8Array =>
    Buffer.concat([content.subarray(0, from), ...pieces, content.subarray(until)]);
  switch (kind) {
    case 0: {
      const copy = Uint8Array.from(content);
      if (from < copy.length) copy[from]! ^= 1 << (pick % 8);
      return copy;
    }
    case 1:
      return content.subarray(0, from);
    case 2:
      return replace(from + length);
    case 3:
      return replace(
        from + length,
        content.subarray(from, from + length),
        content.subarray(from, from + length),
      );
    case 4:
      return replace(from, bytes);
    case 5:
      return replace(from + Math.min(bytes.length, content.length - from), bytes);
    case 6: {
      const texts = pick < 20 ? LARGE : TEXTS;
      return replace(from, Buffer.from(texts[pick % texts.length]!));
    }
    default: {
      // The next number, or the next name, becomes another one.
      const text = Buffer.from(content).toString('latin1');
      const [pattern, words] = kind === 7 ? [/-?\d[\d.]*/g, NUMBERS] : [/[A-Za-z_]\w*/g, KEYS];
      pattern.lastIndex = from;
      const found = pattern.exec(text);
      if (found === null) return content;
      const word = words[pick % words.length]!;
      return Buffer.from(text.slice(0, found.index) + word + text.slice(pattern.lastIndex), 'latin1');
    }
  }
}

/** Values that JSON can hold, in the place of valid parts: wrong kinds, huge numbers, deep lists, odd keys and texts. */
const odd: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 0.5, 1e15, 2 ** 53, 1e308, -0, '', 'x', [], {}, [[]], [null]),
  fc.oneof(
    {
      weight: 99,
      arbitrary: fc.constantFrom<unknown>(...TEXTS, ...NUMBERS.map(Number).filter(Number.isFinite)),
    },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(...LARGE) },
  ),
  fc.constantFrom(...KEYS.slice(0, 6)).map((key) => JSON.parse(`{"${key}": {"x": 1}}`) as unknown),
  fc.nat(3).map((times) => nested(10 ** times)),
  fc.jsonValue({ maxDepth: 2 }),
);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** JSON values near valid ones: some parts are replaced, left out, doubled, or put under another key. */
export function mutatedJson(valid: readonly unknown[]): Arbitrary<unknown> {
  const bases = valid.map((value) => ({ value, places: [...placesOf(value)] }));
  const change = fc.record({ kind: fc.nat(3), at: share, value: odd, key: fc.constantFrom(...KEYS) });
  return fc.oneof(
    { weight: 1, arbitrary: odd },
    {
      weight: 9,
      arbitrary: fc
        .tuple(fc.constantFrom(...bases), fc.array(change, { minLength: 1, maxLength: 3 }))
        .map(([{ value, places }, changes]) =>
          changes.reduce<unknown>(
            (before, { at, ...rest }) => changed(before, places[Math.floor(at * places.length)] ?? [], rest),
            value,
          ),
        ),
    },
  );
}

type Parent = Record<string, unknown>;
type Place = readonly string[];

/** Where the parts of a value are; the whole of it is the first. */
function* placesOf(value: unknown, place: Place = []): Generator<Place> {
  yield place;
  if (typeof value !== 'object' || value === null || place.length > 20) return;
  for (const name of Object.keys(value)) yield* placesOf((value as Parent)[name], [...place, name]);
}

interface Change {
  readonly kind: number;
  readonly value: unknown;
  readonly key: string;
}

/** The value with another part at a place, or as near to it as one gets: copied as far as it differs. */
function changed(before: unknown, [name, ...rest]: Place, change: Change): unknown {
  // An earlier change may have put something else there.
  const isThere =
    typeof before === 'object' && before !== null && name !== undefined && Object.keys(before).includes(name);
  if (!isThere) return change.value;
  const parent = (Array.isArray(before) ? [...before] : { ...before }) as Parent | unknown[];
  const { kind, key } = change;
  const part = (before as Parent)[name];
  if (rest.length > 0 || kind === 0) define(parent, name, changed(part, rest, change));
  // What JSON.parse gives has no holes, and no names in lists.
  else if (Array.isArray(parent)) kind === 1 ? parent.splice(Number(name), 1) : parent.push(part);
  else if (kind === 1) delete parent[name];
  else define(parent, key, part);
  return parent;
}

/** As JSON.parse does: '__proto__' becomes a key like any other. */
function define(parent: object, key: string, value: unknown): void {
  Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true });
}
