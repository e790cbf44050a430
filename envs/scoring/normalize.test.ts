import { describe, expect, it } from 'vitest';
import { igpoWords, normalizeAnswer, normalizePhrase, splitWords } from './normalize.ts';

describe('normalizeAnswer', () => {
  it.each([
    ['The  Eiffel-Tower!', 'eiffeltower'],
    ['An apple, a pear', 'apple pear'],
    ['vitamin A', 'vitamin'],
    ['A.', ''],
    ['theatre', 'theatre'],
    // Punctuation goes before articles: the pieces join first.
    ['a-b', 'ab'],
    ['the_a', 'thea'],
    ['“the” end', '“ ” end'],
    ['!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', ''],
  ])('%j becomes %j', (text, expected) => {
    expect(normalizeAnswer(text)).toBe(expected);
  });

  it('takes letters and digits of any script for word characters, as Python does', () => {
    expect(normalizeAnswer('aé')).toBe('aé');
    expect(normalizeAnswer('éa')).toBe('éa');
    expect(normalizeAnswer('a९')).toBe('a९');
    // A combining accent is no word character to Python: the article before it goes.
    expect(normalizeAnswer('a\u0301')).toBe('\u0301');
    expect(normalizeAnswer('the—end')).toBe('—end');
  });

  it('splits at the white space of Python, not of JavaScript', () => {
    expect(splitWords('a\u0085b\u001cc\u00a0d\u3000e')).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(splitWords('a\ufeffb')).toEqual(['a\ufeffb']);
    expect(splitWords(' \n')).toEqual([]);
  });

  it('lower-cases with the special cases of Unicode', () => {
    expect(normalizeAnswer('ΟΔΟΣ İ')).toBe('οδος i\u0307');
  });
});

it('normalizePhrase keeps articles', () => {
  expect(normalizePhrase('The  U.S.A')).toBe('the usa');
});

it('igpoWords reads punctuation as a space and keeps articles', () => {
  expect(igpoWords('The U.S.-born')).toEqual(['the', 'u', 's', 'born']);
});
