import { Tokenizer as JsonTokenizer, TokenParser } from '@streamparser/json';
import { readBounded, readProblem } from '../../core/bounded-file.ts';
import { InputError } from '../../core/errors.ts';
import type { TokenizerJson } from './format.ts';
import { type Codec, createCodec } from './load.ts';

const MAX_BYTES = 64 * 2 ** 20;

/**
 * Reads a tokenizer.json file: what `createCodec` supports, at most 64 MiB.
 * @returns the content, for `tokenizerHash` and checkpoints, and its codec.
 * @throws InputError when the file cannot be read, is too large, is not UTF-8 or JSON (with line and column), or
 *   is not a tokenizer.json that is supported.
 * @experimental
 */
export async function readTokenizer(path: string): Promise<{ json: TokenizerJson; codec: Codec }> {
  try {
    return parseTokenizer(await readBounded(path, MAX_BYTES), path);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: cannot be read (${readProblem(error)})`, { cause: error });
  }
}

/** The content of a tokenizer.json; `path` is what error messages call it. Throws as `readTokenizer`. */
export function parseTokenizer(bytes: Uint8Array, path: string): { json: TokenizerJson; codec: Codec } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(`${path}: not UTF-8`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InputError(`${path}: broken JSON at ${errorPlace(text)}; expected a tokenizer.json`);
  }
  return { json: json as TokenizerJson, codec: createCodec(json as TokenizerJson, path) };
}

/** Line and column, from 1, where a text stops being JSON: JSON.parse of Node 20 does not always say. */
function errorPlace(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  const tokenizer = new JsonTokenizer();
  const parser = new TokenParser();
  parser.onValue = () => {};
  let at = 0;
  tokenizer.onToken = (token) => {
    at = token.offset;
    parser.write(token);
  };
  let read = 0;
  try {
    for (; read < bytes.length; read++) {
      at = read;
      tokenizer.write(bytes.subarray(read, read + 1));
    }
    at = read;
    tokenizer.end();
  } catch {
    // The place is what was asked for; the wording of two parsers would only differ.
  }
  const before = bytes.subarray(0, at).toString('utf8');
  return `line ${before.split('\n').length}, column ${before.length - before.lastIndexOf('\n')}`;
}
