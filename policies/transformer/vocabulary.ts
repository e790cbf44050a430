import { z } from 'zod';
import { InputError } from '../../core/errors.ts';

/** What `buildVocabulary` needs to know. */
export interface VocabularyOptions {
  /** A word is known when it occurs at least this often, a positive integer. Default: 1. */
  readonly minimumCount?: number;
  /** Ids shared by all other words, at least 1. Default: 256. */
  readonly hashBuckets?: number;
}

/** Words with ids of their own, and the number of ids that all others share. Plain JSON. */
export interface Vocabulary {
  readonly words: readonly string[];
  readonly hashBuckets: number;
}

/** Starts a prompt. */
export const BOS = 0;
/** Comes before every action. */
export const SEP = 1;
/** Predicted after an action that is to be taken. */
export const PICK = 2;
const SPECIAL = 3;

/** Texts that a tokenizer remembers before it starts afresh. */
const REMEMBERED = 1 << 16;

const WORD = /[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}]/gu;

/** Lower-cased words, numbers and single punctuation marks of a text (NFC), in order. White space is lost. */
export function splitWords(text: string): readonly string[] {
  return text.normalize('NFC').toLowerCase().match(WORD) ?? [];
}

/** The vocabulary of the given texts: frequent words first, equally frequent ones by code unit. */
export function buildVocabulary(
  texts: Iterable<string>,
  { minimumCount = 1, hashBuckets = 256 }: VocabularyOptions = {},
): Vocabulary {
  checkPositive('minimumCount', minimumCount);
  checkPositive('hashBuckets', hashBuckets);
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of splitWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const known = [...counts].filter(([, count]) => count >= minimumCount);
  known.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return { words: known.map(([word]) => word), hashBuckets };
}

/** As for tokenizers: tables of weights are as long as there are ids. */
const MAX_IDS = 2 ** 20;

const vocabularySchema = z.object({
  words: z.array(z.string()).max(MAX_IDS),
  hashBuckets: z.int().min(1).max(MAX_IDS),
});

/**
 * What a file holds as a vocabulary.
 * @throws InputError saying what is wrong with it.
 */
export function checkVocabulary(value: unknown): Vocabulary {
  const parsed = vocabularySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new InputError(
    `vocabulary: ${path.join('.') || 'content'}: ${message}; valid: words and hashBuckets`,
  );
}

/** The number of ids: special ones, known words, shared ones. */
export const vocabularySize = (vocabulary: Vocabulary): number =>
  SPECIAL + vocabulary.words.length + vocabulary.hashBuckets;

/** Turns a text into ids. Remembers texts, since the same ones come again and again. */
export type Tokenizer = (text: string) => readonly number[];

/**
 * A tokenizer for a vocabulary. A word without an id of its own gets one of the shared ids by its hash
 * (FNV-1a over UTF-16 code units), so that two mentions of an unseen name still look alike.
 * @throws InputError when the vocabulary lists a word twice or has no shared ids.
 */
export function createTokenizer({ words, hashBuckets }: Vocabulary): Tokenizer {
  checkPositive('hashBuckets', hashBuckets);
  const ids = new Map(words.map((word, index) => [word, SPECIAL + index]));
  if (ids.size !== words.length) throw new InputError('vocabulary: words must be distinct');
  const shared = SPECIAL + words.length;
  const seen = new Map<string, readonly number[]>();
  return (text) => {
    let tokens = seen.get(text);
    if (tokens === undefined) {
      tokens = splitWords(text).map((word) => ids.get(word) ?? shared + (hash(word) % hashBuckets));
      if (seen.size >= REMEMBERED) seen.clear();
      seen.set(text, tokens);
    }
    return tokens;
  };
}

function hash(word: string): number {
  let state = 0x811c9dc5;
  for (let index = 0; index < word.length; index++) {
    state = Math.imul(state ^ word.charCodeAt(index), 0x01000193);
  }
  return state >>> 0;
}

function checkPositive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InputError(`vocabulary: ${name} must be a positive integer, got ${value}`);
  }
}
