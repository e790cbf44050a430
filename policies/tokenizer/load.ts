import { Tokenizer } from '@huggingface/tokenizers';
import { InputError } from '../../core/errors.ts';
import type { TokenCodec } from '../policy.ts';
import { createTokenFinder } from './added-tokens.ts';
import { checkTokenizer } from './check.ts';
import { type BpeModel, byteCharacters, type TokenizerJson } from './format.ts';

/**
 * A tokenizer: text to ids and back, and what its ids are.
 * @experimental
 */
export interface Codec extends TokenCodec {
  /** The highest id + 1: rows that an embedding needs. */
  readonly size: number;
  /** The id whose text is exactly `token` ('</search>', ' the'); undefined when there is none. */
  idOf(token: string): number | undefined;
  /** The text of every id alone: '' where an id is not used, U+FFFD for bytes that are no whole character. */
  readonly tokenTexts: readonly string[];
}

/** How many characters of texts and results one codec remembers, at most. */
const MEMO_CHARACTERS = 4_000_000;
const NOTHING = new Uint8Array(0);

/**
 * A codec from the content of a tokenizer.json with a byte-level byte-pair encoding (GPT-2, Llama 3, Qwen, or
 * `trainTokenizer`).
 *
 * `decode(encode(text))` is `text` for every well-formed string if the file has no normalizer, no added token with
 * `lstrip` or `rstrip` (the white space that it takes along is lost) and no cut that removes what its pattern does not
 * match, and its vocabulary has all bytes; files of `trainTokenizer` are such. Bytes that a vocabulary lacks are dropped,
 * or become its `unk_token`, as in the reference implementation. A lone surrogate comes back as U+FFFD. `decode` joins bytes, so it
 * commutes with joining ids wherever the cut is between two characters. Special tokens stay in the text, ids that do not
 * exist give U+FFFD.
 * @param name what error messages call the file.
 * @throws InputError naming what is missing or not supported.
 * @experimental
 */
export function createCodec(json: TokenizerJson, name = 'tokenizer.json'): Codec {
  const { definition, normalize } = checkTokenizer(json, name);
  const encodePiece = pieceEncoder(build(definition, name), json.model);
  const bytes = tokenBytes(json);
  const tokenTexts = bytes.map((token) => text(token));
  const ids = new Map<string, number>();
  for (let id = tokenTexts.length - 1; id >= 0; id--) {
    if (tokenTexts[id] !== '') ids.set(tokenTexts[id]!, id);
  }
  for (const token of json.added_tokens ?? []) ids.set(token.content, token.id);
  const unknown = Buffer.from('\ufffd');
  const piecesOf = createTokenFinder(json.added_tokens ?? [], normalize);
  const encode = memoize((given: string): readonly number[] =>
    piecesOf(given).flatMap((piece) => (typeof piece === 'number' ? piece : encodePiece(piece))),
  );
  return {
    size: bytes.length,
    tokenTexts,
    idOf: (token) => ids.get(token),
    encode,
    decode(tokens) {
      let length = 0;
      for (let index = 0; index < tokens.length; index++) {
        length += (bytes[tokens[index]!] ?? unknown).length;
      }
      const joined = new Uint8Array(length);
      let offset = 0;
      for (let index = 0; index < tokens.length; index++) {
        const token = bytes[tokens[index]!] ?? unknown;
        joined.set(token, offset);
        offset += token.length;
      }
      return text(joined);
    },
  };
}

/**
 * Ids of a text without added tokens. Bytes that the vocabulary lacks (SmolLM2's lacks 21) are treated as the reference
 * implementation does, word by word: they are dropped before anything is joined, so that what stood around them can
 * become one token; or, if the file has an `unk_token`, each is that token, with `fuse_unk` each run of them.
 */
function pieceEncoder(
  tokenizer: Tokenizer,
  { vocab, unk_token, ignore_merges }: BpeModel,
): (text: string) => readonly number[] {
  const missing = new Set(byteCharacters().filter((character) => !Object.hasOwn(vocab, character)));
  if (missing.size === 0) return (text) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  const words = tokenizer.pre_tokenizer as (text: string) => readonly string[];
  const tokensOf = tokenizer.model as unknown as (words: readonly string[]) => readonly string[];
  const kept = (word: string): string => {
    const isWhole = unk_token != null || (ignore_merges === true && Object.hasOwn(vocab, word));
    return isWhole
      ? word
      : Array.from(word, (character) => (missing.has(character) ? '' : character)).join('');
  };
  return (text) =>
    text === '' ? [] : words(text).flatMap((word) => tokensOf([kept(word)]).map((token) => vocab[token]!));
}

function build(definition: object, name: string): Tokenizer {
  try {
    return new Tokenizer(definition, {});
  } catch (error) {
    // What the checks leave over: a pattern that cannot be translated to JavaScript.
    throw new InputError(`${name}: pre_tokenizer: a pattern is not supported: ${(error as Error).message}`);
  }
}

/** UTF-8 bytes as text; what is no character gives U+FFFD. A byte order mark stays. */
function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** The UTF-8 bytes of every id. */
function tokenBytes({ model, added_tokens = [] }: TokenizerJson): Uint8Array[] {
  const byteOf = new Map(byteCharacters().map((character, byte) => [character, byte]));
  const tokens: Uint8Array[] = [];
  for (const [token, id] of Object.entries(model.vocab)) {
    // checkTokenizer has made sure that tokens are spelled in this alphabet.
    tokens[id] = Uint8Array.from(token, (character) => byteOf.get(character)!);
  }
  for (const { content, id } of added_tokens) tokens[id] = Buffer.from(content, 'utf8');
  return Array.from(tokens, (token) => token ?? NOTHING);
}

/** Remembers results until texts and ids outgrow `MEMO_CHARACTERS`, then starts afresh. */
function memoize(encode: (text: string) => readonly number[]): (text: string) => readonly number[] {
  let known = new Map<string, readonly number[]>();
  let held = 0;
  return (given) => {
    const found = known.get(given);
    if (found !== undefined) return found;
    const ids = Object.freeze(encode(given));
    held += given.length + ids.length;
    if (held > MEMO_CHARACTERS) {
      known = new Map();
      held = given.length + ids.length;
    }
    if (held <= MEMO_CHARACTERS) known.set(given, ids);
    return ids;
  };
}
