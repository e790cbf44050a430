import type { TokenCodec } from '../policy.ts';

/** Bytes of a character that is not complete yet, at most: a token that spells anything has at least one. */
const OPEN_BYTES = 3;

/**
 * What every token adds to the text: the difference between what is spelled with it and without it; its own text where
 * it completes a character that is shown as U+FFFD without it. Only the last tokens before it can matter to that.
 */
export function tokenPieces(tokens: readonly number[], codec: TokenCodec): readonly string[] {
  /** The last tokens that spell anything. */
  let last: readonly number[] = [];
  let before = '';
  return tokens.map((token) => {
    const own = codec.decode([token]);
    if (own === '') return '';
    const withIt = [...last, token];
    const text = codec.decode(withIt);
    const piece = text.startsWith(before) ? text.slice(before.length) : own;
    last = withIt.slice(-OPEN_BYTES);
    before = last.length === withIt.length ? text : codec.decode(last);
    return piece;
  });
}
