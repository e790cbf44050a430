import { describe, expect, it } from 'vitest';
import { tokenizerHash } from './format.ts';
import { createCodec } from './load.ts';
import { trainTokenizer } from './train.ts';

const json = trainTokenizer(['the capital of Peru', 'the capital'], {
  vocabularySize: 284,
  specialTokens: ['<|begin|>', '<search>', '</search>'],
});
const codec = createCodec(json);

describe('createCodec', () => {
  it('knows its tokens', () => {
    expect(codec.size).toBe(276);
    expect(codec.tokenTexts.length).toBe(276);
    expect(codec.idOf('</search>')).toBe(2);
    expect(codec.tokenTexts[2]).toBe('</search>');
    expect(codec.tokenTexts[codec.idOf(' capital')!]).toBe(' capital');
    expect(codec.idOf('no such token')).toBeUndefined();
    expect(codec.idOf('')).toBeUndefined();
    // Byte 0xe9 alone is no character.
    expect(codec.tokenTexts[3 + 0xe9]).toBe('\ufffd');
  });

  it('encodes nothing to no ids, and adds no token', () => {
    expect(codec.encode('')).toEqual([]);
    expect(codec.encode('<search>')).toEqual([1]);
    expect(codec.decode([])).toBe('');
  });

  it('gives the replacement character for ids that do not exist and for lone surrogates', () => {
    expect(codec.decode(Int32Array.of(-5, 2, 99999))).toBe('\ufffd</search>\ufffd');
    expect(codec.decode(codec.encode('a\ud800b'))).toBe('a\ufffdb');
  });

  it('joins the bytes of tokens to characters', () => {
    const ids = [...codec.encode('é🇸')];
    expect(ids.length).toBe(6);
    expect(codec.decode(ids)).toBe('é🇸');
    expect(codec.decode(ids.slice(1))).toBe('\ufffd🇸');
  });

  it('remembers texts without letting the memory be changed', () => {
    const ids = codec.encode('the capital');
    expect(() => (ids as number[]).push(1)).toThrow(TypeError);
    expect(codec.encode('the capital')).toBe(ids);
  });

  it('forgets texts when they become too many', () => {
    // One token of half a million characters: long texts that are encoded quickly.
    const long = `<${'x'.repeat(500_000)}>`;
    const codec = createCodec(trainTokenizer([], { vocabularySize: 264, specialTokens: [long] }));
    const first = codec.encode('the first');
    for (const end of 'abcdefg') codec.encode(long + end);
    expect(codec.encode('the first')).toBe(first);
    codec.encode(`${long}h`);
    expect(codec.encode('the first')).not.toBe(first);
    expect(codec.encode('the first')).toEqual(first);
  });

  it('takes ids that are not used as nothing', () => {
    const sparse = { ...json, added_tokens: [...json.added_tokens!, { id: 290, content: '<late>' }] };
    const codec = createCodec(sparse);
    expect(codec.size).toBe(291);
    expect(codec.tokenTexts[287]).toBe('');
    expect(codec.decode([287, 290])).toBe('<late>');
    expect(codec.encode('a<late>').at(-1)).toBe(290);
  });
});

describe('tokenizerHash', () => {
  it('depends on the content only', () => {
    const turned = Object.fromEntries(
      Object.entries(structuredClone(json)).reverse(),
    ) as unknown as typeof json;
    expect(Object.keys(turned)).not.toEqual(Object.keys(json));
    expect(tokenizerHash(turned)).toBe(tokenizerHash(json));
    expect(tokenizerHash(json)).toMatch(/^[0-9a-f]{64}$/);
    const swapped = { ...json, model: { ...json.model, merges: [...json.model.merges].reverse() } };
    expect(tokenizerHash(swapped)).not.toBe(tokenizerHash(json));
    expect(tokenizerHash({ ...json, normalizer: { type: 'NFC' } })).not.toBe(tokenizerHash(json));
  });
});
