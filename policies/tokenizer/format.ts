import { createHash } from 'node:crypto';

/**
 * A token that is found in a text before anything else and never split: control tokens.
 * @experimental
 */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
  readonly normalized?: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
  readonly single_word?: boolean;
}

/**
 * A byte-pair encoding: which adjoining pieces are joined, in this order, to which token.
 * @experimental
 */
export interface BpeModel {
  readonly type: 'BPE';
  /** Token, spelled in the alphabet of `byteCharacters`, to id. */
  readonly vocab: Readonly<Record<string, number>>;
  /** Pairs, first to join first; older files write 'left right'. */
  readonly merges: readonly (readonly [string, string] | string)[];
  readonly dropout?: number | null;
  readonly unk_token?: string | null;
  readonly continuing_subword_prefix?: string | null;
  readonly end_of_word_suffix?: string | null;
  readonly fuse_unk?: boolean;
  readonly byte_fallback?: boolean;
  readonly ignore_merges?: boolean;
}

/**
 * The content of a `tokenizer.json` of Hugging Face's tokenizers, with a byte-level byte-pair encoding (GPT-2,
 * Llama 3, Qwen). Plain data: what `trainTokenizer` makes and `createCodec` reads.
 * @experimental
 */
export interface TokenizerJson {
  readonly version?: string;
  readonly truncation?: unknown;
  readonly padding?: unknown;
  readonly added_tokens?: readonly AddedToken[];
  readonly normalizer?: unknown;
  readonly pre_tokenizer?: unknown;
  /** Ignored: encoding adds no tokens. */
  readonly post_processor?: unknown;
  readonly decoder?: unknown;
  readonly model: BpeModel;
}

/**
 * The character that stands for each byte in a byte-level vocabulary: printable Latin-1 stands for itself, the
 * other 68 bytes are U+0100 onwards in order, so a space is 'Ġ' (Radford et al. 2019, the GPT-2 code).
 */
export function byteCharacters(): readonly string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}

/**
 * SHA-256 in hex of what a tokenizer.json says: the same for any order of keys and any white space, different
 * for any other change.
 */
export function tokenizerHash(json: TokenizerJson): string {
  const canonical = JSON.stringify(json, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
      : value,
  );
  return createHash('sha256').update(canonical).digest('hex');
}
