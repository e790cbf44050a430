/**
 * Text normalisation of the official question-answering scorers. They are Python scripts, so three notions
 * are Python's and not JavaScript's: what white space is (`str.split()` cuts at U+001C..U+001F and U+0085 but
 * not at U+FEFF), what a word character is (`\w` knows all letters and digits of Unicode, not ASCII alone),
 * and what punctuation is (`string.punctuation`: ASCII only).
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: U+001C..U+001F are white space to Python's split()
const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** The 32 characters of Python's `string.punctuation`, as the four ASCII ranges that they fill. */
const PUNCTUATION = /[!-/:-@[-`{-~]/g;

const ASCII_ARTICLES = /\b(?:a|an|the)\b/g;
const ARTICLES = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

const ASCII = /^[\0-\x7f]*$/;

/** Splits at white space as Python's `str.split()` does: no empty words, `[]` for blank text. */
export function splitWords(text: string): string[] {
  return text.split(WHITE_SPACE).filter((word) => word !== '');
}

/** Lower-cases, deletes ASCII punctuation and joins the words by one space. Articles stay. */
export function normalizePhrase(text: string): string {
  return splitWords(text.toLowerCase().replace(PUNCTUATION, '')).join(' ');
}

/**
 * The normalisation shared by SQuAD, HotpotQA, 2WikiMultihopQA and MuSiQue, in their order: lower case, ASCII
 * punctuation deleted (no space put in its place: 'Eiffel-Tower' is 'eiffeltower'), the words a, an and the
 * replaced by a space, white space collapsed. Accents, number words and typographic quotes stay. '' when
 * nothing is left. Never throws, lone surrogates included.
 */
export function normalizeAnswer(text: string): string {
  const bare = text.toLowerCase().replace(PUNCTUATION, '');
  // The Unicode pattern is several times slower and equal on ASCII.
  const articles = ASCII.test(bare) ? ASCII_ARTICLES : ARTICLES;
  return splitWords(bare.replace(articles, ' ')).join(' ');
}

/** The words that IGPO's set F1 compares: lower case, ASCII punctuation read as a space, articles kept. */
export function igpoWords(text: string): string[] {
  return splitWords(text.toLowerCase().replace(PUNCTUATION, ' '));
}
