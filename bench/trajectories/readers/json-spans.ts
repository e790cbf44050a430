/** Where a member of an array or object is in a text of JSON. */
export interface Span {
  /** Of a member of an object, decoded. */
  readonly key: string | undefined;
  readonly start: number;
  readonly end: number;
}

const [SPACE, QUOTE, BACKSLASH, COMMA, COLON] = [32, 34, 92, 44, 58];
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [91, 93, 123, 125];

/** The members of the array or object that begins at `start`, in a text that JSON.parse takes; of anything else none. */
export function membersAt(text: string, start: number): readonly Span[] {
  const spans: Span[] = [];
  const opening = text.charCodeAt(start);
  if (opening !== OPEN && opening !== OPEN_LIST) return spans;
  for (let at = skipSpace(text, start + 1); !isClosing(text.charCodeAt(at)); ) {
    let key: string | undefined;
    if (opening === OPEN) {
      const end = stringEnd(text, at);
      key = JSON.parse(text.slice(at, end)) as string;
      at = skipSpace(text, end);
      if (text.charCodeAt(at) !== COLON) throw new Error(`no JSON at ${at}`);
      at = skipSpace(text, at + 1);
    }
    const end = valueEnd(text, at);
    spans.push({ key, start: at, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
  }
  return spans;
}

/** Where the text's value begins. */
export const skipSpace = (text: string, from: number): number => {
  let at = from;
  while (text.charCodeAt(at) <= SPACE) at++;
  return at;
};

const isClosing = (code: number): boolean => code === CLOSE || code === CLOSE_LIST;

function stringEnd(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    const code = text.charCodeAt(at);
    if (Number.isNaN(code)) throw new Error(`no JSON at ${start}`);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
}

function valueEnd(text: string, start: number): number {
  let at = start;
  for (let depth = 0; ; ) {
    const code = text.charCodeAt(at);
    if (Number.isNaN(code)) throw new Error(`no JSON at ${start}`);
    if (code === QUOTE) at = stringEnd(text, at);
    else if (code === OPEN || code === OPEN_LIST) {
      depth++;
      at++;
    } else if (isClosing(code)) {
      depth--;
      at++;
    } else if (code === COMMA || code === COLON || code <= SPACE) at++;
    else while (isPlain(text.charCodeAt(at))) at++;
    if (depth === 0) return at;
  }
}

/** Part of a number, or of true, false and null. */
const isPlain = (code: number): boolean =>
  code > SPACE &&
  code !== COMMA &&
  code !== COLON &&
  code !== QUOTE &&
  code !== OPEN &&
  code !== OPEN_LIST &&
  !isClosing(code);
