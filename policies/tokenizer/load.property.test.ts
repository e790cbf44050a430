import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCodec } from './load.ts';
import { trainTokenizer } from './train.ts';

const SPECIAL = ['<|begin|>', '<|end|>', '<search>', '</search>'];

const codec = createCodec(
  trainTokenizer(['the capital of Suriname is Paramaribo.\n\nthe  capital of Côte d’Ivoire 東京 東京'], {
    vocabularySize: 320,
    specialTokens: SPECIAL,
  }),
);

/** Well-formed strings with much of what tokenizers get wrong. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.constantFrom(
        ...SPECIAL,
        '</sear',
        ' ',
        '  ',
        '\n',
        '\n\n',
        '\r\n',
        '\t',
        '\ufeff',
        '\u0085',
        '\u00a0',
      ),
      fc.constantFrom(
        '▁',
        'Ġ',
        '<0x41>',
        '<|unused0|>',
        'the',
        ' capital',
        'Côte',
        '東京',
        '🇸🇷',
        'e\u0301',
        '1945',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))
  // Parts can meet as the two halves of a character.
  .map((joined) => Buffer.from(joined).toString());

describe('a trained codec', () => {
  it('gives every well-formed text back exactly', () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(codec.decode(codec.encode(given))).toBe(given);
      }),
      { numRuns: 2000 },
    );
  });

  it('decodes joined segments as the joined decodes', () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(codec.decode([...codec.encode(left), ...codec.encode(right)])).toBe(left + right);
      }),
    );
  });

  it('decodes any ids, and token by token where each is whole characters', () => {
    const id = fc.oneof(
      fc.nat({ max: codec.size - 1 }),
      fc.constantFrom(-1, codec.size, 2 ** 31, Number.NaN, 0.5),
    );
    fc.assert(
      fc.property(fc.array(id), (ids) => {
        const decoded = codec.decode(ids);
        expect(Buffer.from(decoded).toString()).toBe(decoded);
        const alone = ids.map((token) => codec.tokenTexts[token] ?? '\ufffd');
        if (!alone.join('').includes('\ufffd')) expect(decoded).toBe(alone.join(''));
      }),
    );
  });

  it('names each special token by one id wherever it is spelled, and nothing else by it', () => {
    fc.assert(
      fc.property(text, text, fc.constantFrom(...SPECIAL), (left, right, token) => {
        const ids = codec.encode(left + token + right);
        const spelled = (left + token + right).split(token).length - 1;
        expect(ids.filter((id) => id === codec.idOf(token)).length).toBe(spelled);
      }),
    );
  });

  it('encodes what is before a special token alone', () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        const ids = codec.encode(`${left}<|end|>${right}`);
        expect(ids).toEqual([...codec.encode(left), codec.idOf('<|end|>'), ...codec.encode(right)]);
      }),
    );
  });
});
