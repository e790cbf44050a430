/** White space that ends a line or moves the cursor. */
const BREAKS = /[\t-\r\u0085\u2028\u2029]+/g;
/**
 * Control characters (with them every escape sequence: what is left of one is plain text), and the marks that
 * reorder text, with which one name can be shown as another.
 */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
/** The same without the two that a text of several lines may have. */
const CONTROLS_IN_LINES = /(?![\t\n])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * Text from outside (names, questions, messages of servers) in one line that a terminal shows and does nothing else
 * with: without control characters and marks that reorder text; line breaks and tabs become a space.
 */
export function printable(text: string): string {
  return text.replace(BREAKS, ' ').replace(CONTROLS, '');
}

/** As `printable`, but line feeds and tabs stay: for everything that is written to a terminal. */
export function printableLines(text: string): string {
  return text.replace(CONTROLS_IN_LINES, '');
}

/** JSON in which every such character is an escape: the value is kept, and a terminal shows it. */
export function printableJson(value: unknown): string {
  return escaped(JSON.stringify(value, null, 2));
}

/** The same in one line. */
export function printableJsonLine(value: unknown): string {
  return escaped(JSON.stringify(value));
}

const escaped = (json: string): string =>
  json.replace(
    CONTROLS_IN_LINES,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
