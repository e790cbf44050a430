import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzz, mutatedBytes, mutatedJson, mutatedText } from '../core/fuzz.test-helper.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import type { TokenizerJson } from './tokenizer/format.ts';
import { createCodec } from './tokenizer/load.ts';
import { parseTokenizer } from './tokenizer/read.ts';
import { trainTokenizer } from './tokenizer/train.ts';

const TENSORS = writeSafetensors(
  new Map([
    ['a', { shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, Number.NaN) }],
    ['b.c', { shape: [], values: Float32Array.of(7) }],
    ['empty', { shape: [0, 4], values: new Float32Array(0) }],
  ]),
  { format: 'pt' },
);
const TRAINED: TokenizerJson = trainTokenizer(['the cat sat on the mat', 'a dog and the cat 12 12'], {
  vocabularySize: 280,
  specialTokens: ['<|end|>'],
});

describe('any bytes are tensors or refused', () => {
  it('in a safetensors file', () => {
    fuzz(mutatedBytes([TENSORS]), (bytes) => readSafetensors(bytes));
  });

  it('with any header', () => {
    const headers = [
      {
        a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
        b: { dtype: 'F16', shape: [4], data_offsets: [24, 32] },
      },
      { __metadata__: { format: 'pt' }, a: { dtype: 'F64', shape: [4], data_offsets: [0, 32] } },
    ];
    fuzz(mutatedJson(headers), (header) => {
      const text = Buffer.from(JSON.stringify(header) ?? '');
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(text.length));
      readSafetensors(Buffer.concat([length, text, Buffer.alloc(32)]));
    });
  });
});

describe('any text is a tokenizer or refused', () => {
  // What it says, without the many tokens: these fuzz the parts around them.
  const text = JSON.stringify(TRAINED);

  it('as a file', () => {
    const usual = readFileSync(join(import.meta.dirname, 'tokenizer', 'golden', 'qwen-style.json'));
    fuzz(mutatedBytes([text, usual]), (bytes) => parseTokenizer(bytes, 'tokenizer.json'), { share: 0.2 });
    fuzz(mutatedBytes([text]), (bytes) => parseTokenizer(bytes, 'tokenizer.json'), { share: 0.8 });
  });

  it('as values of any kind in the place of valid ones', () => {
    const { model, ...rest } = TRAINED;
    const outer = { ...rest, model: { ...model, vocab: undefined, merges: model.merges.slice(0, 3) } };
    fuzz(mutatedJson([outer]), (value) => {
      const changed = value as { model?: { vocab?: unknown } } | null;
      if (typeof changed?.model === 'object' && changed.model !== null) changed.model.vocab ??= model.vocab;
      createCodec(changed as TokenizerJson);
    });
  });

  it('and every text has ids that give it back', () => {
    const codec = createCodec(TRAINED);
    fuzz(mutatedText(['the cat <|end|> sat', 'Ünïcödé 東京 12']), (long) => {
      const given = long.slice(0, 2000);
      const back = codec.decode(codec.encode(given));
      expect(back).toBe(Buffer.from(given).toString());
    });
    fuzz(fc.array(fc.integer({ min: -2, max: 2 ** 31 }), { maxLength: 20 }), (ids) => codec.decode(ids));
  });
});
