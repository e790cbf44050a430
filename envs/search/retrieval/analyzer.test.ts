import { describe, expect, it } from 'vitest';
import { InputError } from '../../../core/errors.ts';
import { type AnalyzerOptions, createAnalyzer } from './analyzer.ts';

const EVERYTHING: AnalyzerOptions = { stopWords: 'none', foldAccents: false };

describe('createAnalyzer', () => {
  const cases: readonly [string, AnalyzerOptions, string, readonly string[]][] = [
    [
      'lower case, runs of letters and digits',
      EVERYTHING,
      "U.S.'s 2nd-best, no_1!",
      ['u', 's', 's', '2nd', 'best', 'no', '1'],
    ],
    ['nothing in nothing', EVERYTHING, '', []],
    ['nothing in punctuation', EVERYTHING, ' …?! ', []],
    ['repeats stay, in order', EVERYTHING, 'b a b', ['b', 'a', 'b']],
    ['accents stay without folding', EVERYTHING, 'Łódź café', ['łódź', 'café']],
    ['two spellings of one accent are equal', EVERYTHING, 'cafe\u0301', ['caf\u00e9']],
    ['compatibility forms are equal', EVERYTHING, 'ﬁn １２ ℡', ['fin', '12', 'tel']],
    ['vowel signs belong to words', EVERYTHING, 'दिल्ली शहर', ['दिल्ली', 'शहर']],
    [
      'by default accents fold',
      {},
      'Łódź Ångström Đà Nẵng İstanbul',
      ['lodz', 'angstrom', 'da', 'nang', 'istanbul'],
    ],
    ['letters without a base fold', {}, 'Straße Ærø Œuvre ÞÓR ı', ['strasse', 'aero', 'oeuvre', 'thor', 'i']],
    ['folding makes compatibility forms equal, too', {}, 'ﬁn １２ ℡', ['fin', '12', 'tel']],
    ['folding leaves vowel signs', {}, 'दिल्ली', ['दिल्ली']],
    ['folding leaves Hangul whole', {}, '서울', ['서울']],
    ['by default stop words go', {}, 'The king of the Netherlands was not I', ['king', 'netherlands', 'i']],
    ['a text of stop words alone has no terms', {}, 'It is', []],
    ['stop words can stay', { stopWords: 'none' }, 'The Who', ['the', 'who']],
  ];
  it.each(cases)('%s', (_name, options, text, terms) => {
    expect(createAnalyzer(options)(text)).toEqual(terms);
  });

  it('drops exactly 33 words', () => {
    const text =
      'a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with';
    expect(text.split(' ')).toHaveLength(33);
    expect(createAnalyzer({})(text)).toEqual([]);
    expect(createAnalyzer({})('who has from he were')).toHaveLength(5);
  });

  it.each([{ stopWords: 'german' }, { stemming: true }, { foldAccents: 1 }])('rejects %j', (options) => {
    expect(() => createAnalyzer(options as AnalyzerOptions)).toThrow(InputError);
    expect(() => createAnalyzer(options as AnalyzerOptions)).toThrow(/stopWords: 'none' or 'english'/);
  });
});
