import { InputError } from '../../core/errors.ts';
import { byteCharacters, type TokenizerJson } from './format.ts';
import { learnMerges } from './merges.ts';

/**
 * Options of `trainTokenizer`.
 * @experimental
 */
export interface TokenizerOptions {
  /** Ids of the whole vocabulary: a multiple of 4 from 264 to 65536, with room for 256 bytes and the special tokens. */
  readonly vocabularySize: number;
  /**
   * Tokens that are never split and get the ids 0, 1, … in this order: '</search>'. Printable ASCII without
   * spaces, at least 2 characters, none twice.
   */
  readonly specialTokens: readonly string[];
}

/**
 * What merges stay inside: a run of letters, a run of digits, or one other character, each with the one space
 * before it; newlines in a run; every further space. Has no \s or \w, which regex engines read differently.
 */
const WORD = ' ?[\\p{L}\\p{M}]+| ?\\p{N}+|\\n+| ?[^ \\p{L}\\p{M}\\p{N}]| ';

const BYTES = 256;
const SIZE = { least: 264, most: 65536, step: 4 };

/**
 * Trains a byte-level byte-pair encoding. Every text can be encoded and comes back exactly; a word keeps the
 * space before it; punctuation is apart from words; frequent words become one token. Deterministic, and does not
 * depend on the order of the texts.
 *
 * Ids: special tokens, the 256 bytes, learned tokens, most frequent merges first. When the texts have no more
 * pairs to join, the vocabulary is smaller than asked for, and '<|unused0|>', … make its size a multiple of 4.
 * No text is ever encoded to those.
 * @param texts well-formed strings. Special tokens spelled in them are left out of the statistics.
 * @throws InputError when an option is out of its range.
 * @experimental
 */
export function trainTokenizer(texts: Iterable<string>, options: TokenizerOptions): TokenizerJson {
  const { vocabularySize, specialTokens } = options;
  checkSpecialTokens(specialTokens);
  checkSize(vocabularySize, specialTokens.length);
  const characters = byteCharacters();
  const tokens = new Map(characters.map((character, byte) => [character, specialTokens.length + byte]));
  const words = countWords(texts, specialTokens, characters);
  const merges = learnMerges(words, tokens, vocabularySize, specialTokens.length + BYTES);
  const vocabulary = [...specialTokens, ...tokens.keys()];
  for (let filler = 0; vocabulary.length % SIZE.step !== 0; filler++) vocabulary.push(`<|unused${filler}|>`);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORD }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** How often each word occurs, bytes spelled by `characters`. */
function countWords(
  texts: Iterable<string>,
  specialTokens: readonly string[],
  characters: readonly string[],
): Map<string, number> {
  // The longest first: a codec finds the longest special token that begins at a place.
  const escaped = [...specialTokens]
    .sort((left, right) => right.length - left.length)
    .map((token) => token.replace(/[^A-Za-z0-9]/g, '\\$&'));
  const special = new RegExp(escaped.length === 0 ? '$^' : escaped.join('|'), 'g');
  const pattern = new RegExp(WORD, 'gu');
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const part of text.split(special)) {
      for (const word of part.match(pattern) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return new Map([...counts].map(([word, times]) => [spell(word, characters), times]));
}

function spell(word: string, characters: readonly string[]): string {
  return Array.from(Buffer.from(word, 'utf8'), (byte) => characters[byte]).join('');
}

function checkSize(size: number, specialTokens: number): void {
  const least = Math.max(SIZE.least, Math.ceil((BYTES + specialTokens) / SIZE.step) * SIZE.step);
  if (Number.isInteger(size) && size >= least && size <= SIZE.most && size % SIZE.step === 0) return;
  throw new InputError(
    `vocabularySize is ${size}, must be a multiple of ${SIZE.step} from ${least} (${BYTES} bytes and ${specialTokens} special tokens) to ${SIZE.most}`,
  );
}

function checkSpecialTokens(tokens: readonly string[]): void {
  for (const [index, token] of tokens.entries()) {
    const name = `specialTokens[${index}] is ${JSON.stringify(token)}`;
    if (!/^[!-~]{2,}$/.test(token)) {
      throw new InputError(`${name}, must be 2 or more printable ASCII characters without spaces`);
    }
    if (/^<\|unused\d+\|>$/.test(token)) throw new InputError(`${name}: this name is reserved for fillers`);
    if (tokens.indexOf(token) !== index) throw new InputError(`${name}, which is there twice`);
  }
}
