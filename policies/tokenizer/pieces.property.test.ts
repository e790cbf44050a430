import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TokenCodec } from '../policy.ts';
import { createCodec } from './load.ts';
import { tokenPieces } from './pieces.ts';
import { trainTokenizer } from './train.ts';

const json = trainTokenizer(['the capital of Suriname is Paramaribo. 東京 😀 é \ufffd'], {
  vocabularySize: 320,
  specialTokens: ['<search>', '</search>'],
});
const codec = createCodec({ ...json, added_tokens: [...json.added_tokens!, { id: 400, content: '</a>' }] });

/** By definition: every prefix is decoded. */
function plainPieces(tokens: readonly number[], { decode }: TokenCodec): readonly string[] {
  let before = '';
  return tokens.map((token, index) => {
    const text = decode(tokens.slice(0, index + 1));
    const piece = text.startsWith(before) ? text.slice(before.length) : decode([token]);
    before = text;
    return piece;
  });
}

const byte = (value: number): number => 2 + value;

it('are those of the definition, whatever bytes are spelled', () => {
  expect(codec.decode([byte(0xe9)])).toBe('\ufffd');
  const id = fc.oneof(
    fc.nat({ max: codec.size - 1 }),
    // Bytes that begin, continue and break characters.
    fc
      .constantFrom(0x41, 0x80, 0x98, 0x9f, 0xbd, 0xbf, 0xc3, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xff)
      .map(byte),
    // Ids that are not used, that do not exist, and a tag.
    fc.constantFrom(350, 5000, -1, 1),
  );
  fc.assert(
    fc.property(fc.array(id, { maxLength: 30 }), (tokens) => {
      expect(tokenPieces(tokens, codec)).toEqual(plainPieces(tokens, codec));
    }),
    { numRuns: 3000 },
  );
});

it('are those of the definition for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const tokens = codec.encode(text);
      const pieces = tokenPieces(tokens, codec);
      expect(pieces).toEqual(plainPieces(tokens, codec));
    }),
    { numRuns: 500 },
  );
});

it('cost a few decoded tokens each', () => {
  let decoded = 0;
  const counting: TokenCodec = {
    ...codec,
    decode: (ids) => {
      decoded += ids.length;
      return codec.decode(ids);
    },
  };
  const tokens = Array.from({ length: 2000 }, (_, index) => byte(index % 256));
  tokenPieces(tokens, counting);
  expect(decoded).toBeLessThan(10 * tokens.length);
});
