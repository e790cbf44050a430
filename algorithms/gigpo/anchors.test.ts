import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anchorGroups, wordSimilarity } from './anchors.ts';

describe('word similarity', () => {
  // Made with Python 3: difflib.SequenceMatcher(None, a.split(), b.split(), autojunk=False).ratio()
  it.each([
    ['the cat sat on the mat', 'the cat lay on a mat', 2 / 3],
    ['a b c d', 'b c d e', 0.75],
    ['x y z', 'p q', 0],
    ['a b a b c', 'b a b c a', 0.8],
    [
      'one two three four five six seven eight nine ten',
      'one two three four five six seven eight nine TEN',
      0.9,
    ],
    ['a b', 'b a', 0.5],
    ['a x b y c', 'a b c x y', 0.6],
    ['b c x a b', 'a b y b c', 0.4],
    // Runs of the same length: which one is taken decides what is left beside it.
    ['d c c a a c', 'c b c d d d', 1 / 6],
    ['c b c d d d', 'd c c a a c', 1 / 3],
    ['b b c d b a', 'd a c', 2 / 9],
    ['d a c', 'b b c d b a', 4 / 9],
  ])('of "%s" and "%s" is %d', (a, b, expected) => {
    expect(wordSimilarity(a, b)).toBeCloseTo(expected, 12);
  });

  it('does not see white space, and is 1 of two empty texts', () => {
    expect(wordSimilarity(' one  two\n', 'one two')).toBe(1);
    expect(wordSimilarity('', ' ')).toBe(1);
    expect(wordSimilarity('', 'one')).toBe(0);
  });

  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 })
    .map((words) => words.join(' '));

  it('is in [0, 1], 1 of the same words only, and never more than the words that both have', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const value = wordSimilarity(a, b);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value === 1).toBe(a === b);
        const total = a.split(' ').length + b.split(' ').length;
        let common = 0;
        for (const word of 'abcd') {
          const count = (words: string): number => words.split(' ').filter((other) => other === word).length;
          common += Math.min(count(a), count(b));
        }
        if (a !== '' && b !== '') expect(value).toBeLessThanOrEqual((2 * common) / total + 1e-12);
      }),
    );
  });

  it('takes the group of the first member that is like enough, as comparing one by one does', () => {
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 10 }),
        fc.constantFrom(0.3, 0.5, 0.8, 1),
        (texts, threshold) => {
          const firsts: string[] = [];
          const expected = texts.map((observation) => {
            const found = firsts.findIndex((first) => wordSimilarity(observation, first) >= threshold);
            return found < 0 ? firsts.push(observation) - 1 : found;
          });
          expect([...anchorGroups(texts, threshold)]).toEqual(expected);
        },
      ),
    );
  });
});

describe('anchor groups', () => {
  // equation (gigpo): Eq. 6
  it('are of the same text, whoever read it and when', () => {
    expect([...anchorGroups(['s', 't', 's', 'u', 't'], null)]).toEqual([0, 1, 0, 2, 1]);
    expect([...anchorGroups(['one two', 'one  two'], null)]).toEqual([0, 1]);
  });

  it('are of similar texts on request', () => {
    const texts = ['a b c d', 'a b c e', 'x y', 'a b c d', 'a b f e'];
    expect([...anchorGroups(texts, 0.75)]).toEqual([0, 0, 1, 0, 2]); // the last is like the second, not the first
    expect([...anchorGroups(texts, 0.8)]).toEqual([0, 1, 2, 0, 3]);
    expect([...anchorGroups(['one two', 'one  two'], 1)]).toEqual([0, 0]);
  });
});
