import { z } from 'zod';
import { InputError } from '../../../core/errors.ts';

/** How text becomes terms. Part of a retriever's fingerprint. */
export const analyzerSchema = z.strictObject({
  foldAccents: z
    .boolean()
    .default(true)
    .describe("Latin letters lose their accents, 'Łódź' is 'lodz'. Default true."),
  stopWords: z
    .enum(['none', 'english'])
    .default('english')
    .describe("'english' drops Lucene's 33 English stop words, 'none' drops nothing. Default 'english'."),
});

/** Options of the analyzer, those that are left out at their defaults. */
export type AnalyzerOptions = z.input<typeof analyzerSchema>;

/** A text's terms in the order in which they occur, repeats included. No term is empty. */
export type Analyzer = (text: string) => readonly string[];

/** The default stop words of Lucene's English analyzer. */
const ENGLISH_STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a an and are as at be but by for if in into is it no not of on or such ' +
    'that the their then there these they this to was will with'
  ).split(' '),
);

/** Latin letters that Unicode does not take apart, in lower case. */
const LETTERS: Readonly<Record<string, string>> = {
  æ: 'ae',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ł: 'l',
  ø: 'o',
  œ: 'oe',
  ß: 'ss',
  þ: 'th',
};
const LETTER = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g');

/** Accents of Latin, Greek and Cyrillic letters. Marks of other scripts stay: there they are vowels. */
const ACCENTS = /[\u0300-\u036f]+/g;
const ASCII_ONLY = /^\p{ASCII}*$/u;
const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;
const ASCII_WORD = /[a-z0-9]+/g;

/**
 * Makes an analyzer: Unicode compatibility forms are made equal (NFKC), letters lower case, accents folded,
 * and every run of letters and digits is a term, less stop words. There is no stemming. A script without
 * spaces between words gives one term per run.
 * @throws InputError when an option is wrong.
 */
export function createAnalyzer(options: AnalyzerOptions): Analyzer {
  const { foldAccents, stopWords } = checkAnalyzer(options);
  const normalize = foldAccents ? folded : composed;
  return (text) => {
    const terms = ASCII_ONLY.test(text) ? text.toLowerCase().match(ASCII_WORD) : normalize(text).match(WORD);
    if (terms === null) return [];
    return stopWords === 'none' ? terms : terms.filter((term) => !ENGLISH_STOP_WORDS.has(term));
  };
}

/**
 * The options with their defaults.
 * @throws InputError when an option is wrong.
 */
export function checkAnalyzer(options: AnalyzerOptions): z.output<typeof analyzerSchema> {
  const parsed = analyzerSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new InputError(
    `analyzer: ${z.prettifyError(parsed.error)}, got ${JSON.stringify(options)}; valid: { foldAccents: true or false, stopWords: 'none' or 'english' }`,
  );
}

// Upper-case letters come out of compatibility forms ('℡' is 'TEL'), so lower case is made after them.
function composed(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

function folded(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(ACCENTS, '')
    .replace(LETTER, (letter) => LETTERS[letter]!)
    .normalize('NFC');
}
