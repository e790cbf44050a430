import type { AddedToken } from './format.ts';

/** The id of an added token, or a text without any. */
export type Piece = number | string;

/**
 * Takes the added tokens out of a text as the reference implementation does: first those that are looked for in the text
 * as it is, then, in what is left, normalized, those that are looked for there; of those that begin at one place the
 * longest. A token with `lstrip` or `rstrip` takes the white space before or behind it along (Unicode's White_Space:
 * U+0085 is, U+FEFF is not).
 * @param normalize of the file; what comes back is normalized.
 */
export function createTokenFinder(
  tokens: readonly AddedToken[],
  normalize: (text: string) => string,
): (text: string) => readonly Piece[] {
  const isNormalized = ({ normalized, special }: AddedToken): boolean => normalized ?? special !== true;
  const inText = finder(
    tokens.filter((token) => !isNormalized(token)).map((token) => [token.content, token]),
  );
  const inNormalized = finder(tokens.filter(isNormalized).map((token) => [normalize(token.content), token]));
  return (text) =>
    inText(text).flatMap((piece) => (typeof piece === 'number' ? piece : inNormalized(normalize(piece))));
}

function finder(
  tokens: readonly (readonly [text: string, token: AddedToken])[],
): (text: string) => readonly Piece[] {
  // Of several that are looked for as the same text the first is taken.
  const byText = new Map([...tokens].reverse());
  const byStart = new Map<string, string[]>();
  for (const text of [...byText.keys()].sort((left, right) => right.length - left.length)) {
    const known = byStart.get(text[0]!);
    if (known === undefined) byStart.set(text[0]!, [text]);
    else known.push(text);
  }
  return (text) => {
    const pieces: Piece[] = [];
    /** End of the last token, with the white space that it has taken. */
    let done = 0;
    for (let at = 0; at < text.length; ) {
      const found = byStart.get(text[at]!)?.find((token) => text.startsWith(token, at));
      if (found === undefined) {
        at++;
        continue;
      }
      const { id, lstrip, rstrip } = byText.get(found)!;
      const start = lstrip === true ? Math.max(done, spaceBefore(text, at)) : at;
      if (done < start) pieces.push(text.slice(done, start));
      pieces.push(id);
      at += found.length;
      done = rstrip === true ? spaceBehind(text, at) : at;
    }
    if (done < text.length) pieces.push(text.slice(done));
    return pieces;
  };
}

/** All of it is in the basic plane. */
const WHITE_SPACE = /^\p{White_Space}$/u;

/** Where the white space begins that ends at `end`. */
function spaceBefore(text: string, end: number): number {
  let start = end;
  while (start > 0 && WHITE_SPACE.test(text[start - 1]!)) start--;
  return start;
}

/** Where the white space ends that begins at `start`. */
function spaceBehind(text: string, start: number): number {
  let end = start;
  while (end < text.length && WHITE_SPACE.test(text[end]!)) end++;
  return end;
}
