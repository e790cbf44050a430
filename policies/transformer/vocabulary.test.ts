import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { buildVocabulary, createTokenizer, splitWords, vocabularySize } from './vocabulary.ts';

describe('splitWords', () => {
  it('separates words, numbers and every punctuation mark, in lower case', () => {
    expect(splitWords("São Tomé's  3 moves: [1] go!")).toEqual([
      'são',
      'tomé',
      "'",
      's',
      '3',
      'moves',
      ':',
      '[',
      '1',
      ']',
      'go',
      '!',
    ]);
  });

  it('reads composed and decomposed letters alike', () => {
    expect(splitWords('Tome\u0301')).toEqual(splitWords('Tom\u00e9'));
  });

  it('gives nothing for white space', () => {
    expect(splitWords(' \n')).toEqual([]);
  });
});

describe('vocabulary', () => {
  it('orders words by count, then by code unit, and drops rare ones', () => {
    const vocabulary = buildVocabulary(['b a c', 'b d a', 'b'], { minimumCount: 2, hashBuckets: 4 });
    expect(vocabulary).toEqual({ words: ['b', 'a'], hashBuckets: 4 });
    expect(vocabularySize(vocabulary)).toBe(3 + 2 + 4);
    expect(buildVocabulary(['c a b']).words).toEqual(['a', 'b', 'c']);
  });

  it('survives JSON', () => {
    const vocabulary = buildVocabulary(['where is paris']);
    const copy = createTokenizer(JSON.parse(JSON.stringify(vocabulary)));
    expect(copy('Paris is where?')).toEqual(createTokenizer(vocabulary)('Paris is where?'));
  });

  it('gives unseen words the same shared id wherever they stand', () => {
    const vocabulary = buildVocabulary(['is a'], { hashBuckets: 100 });
    const tokenize = createTokenizer(vocabulary);
    const [oslo, is, other] = tokenize('Oslo is Bergen') as [number, number, number];
    expect(tokenize('a oslo')[1]).toBe(oslo);
    expect(is).toBe(4);
    for (const id of [oslo, other]) {
      expect(id).toBeGreaterThanOrEqual(5);
      expect(id).toBeLessThan(vocabularySize(vocabulary));
    }
    expect(other).not.toBe(oslo);
  });

  it.each([0, 1.5, -1])('refuses %s shared ids', (hashBuckets) => {
    expect(() => buildVocabulary(['a'], { hashBuckets })).toThrow(InputError);
    expect(() => createTokenizer({ words: [], hashBuckets })).toThrow(/hashBuckets/);
  });

  it('refuses a word listed twice', () => {
    expect(() => createTokenizer({ words: ['a', 'a'], hashBuckets: 1 })).toThrow(/distinct/);
  });
});
