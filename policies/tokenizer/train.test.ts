import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { byteCharacters } from './format.ts';
import { createHeap } from './heap.ts';
import { createCodec } from './load.ts';
import { learnMerges } from './merges.ts';
import { trainTokenizer } from './train.ts';

const SPECIAL = ['<|begin|>', '<search>', '</search>'];
const train = (texts: readonly string[], vocabularySize = 320, specialTokens = SPECIAL) =>
  trainTokenizer(texts, { vocabularySize, specialTokens });

describe('trainTokenizer', () => {
  it('orders ids: special tokens as given, bytes, learned tokens by merge', () => {
    const { model, added_tokens } = train(['ab ab ab ab', 'cd cd'], 264);
    expect(added_tokens!.map(({ content, id }) => [content, id])).toEqual(
      SPECIAL.map((token, id) => [token, id]),
    );
    expect(byteCharacters().map((character) => model.vocab[character])).toEqual(
      Array.from({ length: 256 }, (_, byte) => 3 + byte),
    );
    // Pairs 4, 3, 2 times, then once.
    expect(model.merges).toEqual([
      ['a', 'b'],
      ['Ġ', 'ab'],
      ['c', 'd'],
      ['Ġ', 'cd'],
    ]);
    expect(Object.keys(model.vocab).find((token) => model.vocab[token] === 259)).toBe('ab');
  });

  it('keeps merges inside words, and punctuation and digits apart from letters', () => {
    const text = 'Peru, Lima; Peru, Lima; in 1945: (Peru) x1945\n\n"Peru"\n\n';
    const codec = createCodec(
      train(
        Array.from({ length: 20 }, () => text),
        400,
      ),
    );
    expect(codec.encode(text).map((id) => codec.tokenTexts[id])).toEqual(
      ['Peru', ',', ' Lima', ';', ' Peru', ',', ' Lima', ';', ' in', ' 1945', ':', ' (', 'Peru', ')'].concat([
        ' x',
        '1945',
        '\n\n',
        '"',
        'Peru',
        '"',
        '\n\n',
      ]),
    );
  });

  it('pads with fillers that no text is encoded to when there is no more to join', () => {
    const json = train(['ab'], 2048);
    expect(Object.keys(json.model.vocab).length).toBe(260);
    expect(train(['abc'], 2048).model.vocab['<|unused2|>']).toBe(263);
    const codec = createCodec(train(['abc <|unused0|>'], 2048, []));
    expect(codec.encode('<|unused0|>').map((id) => codec.tokenTexts[id])).toEqual([
      '<',
      '|',
      'unused',
      '0',
      '|',
      '>',
    ]);
    expect(createCodec(train([], 1024, [])).size).toBe(256);
  });

  it('comes out at exactly the size asked for when the texts suffice', () => {
    const words = Array.from({ length: 500 }, (_, index) => `w${(index * 7919).toString(36)}`);
    for (const size of [264, 300, 512]) expect(createCodec(train([words.join(' ')], size)).size).toBe(size);
  });

  it('leaves special tokens out of the statistics', () => {
    const texts = ['<search>ab</search>', 'ab<search>'];
    expect(train(texts).model.merges).toEqual([['a', 'b']]);
    expect(train(['<abc><abc>x'], 300, ['<a', '<abc>']).model.merges).toEqual([]);
  });

  it('does not depend on the order of the texts', () => {
    const texts = ['the capital of Peru', 'the river of Peru', 'a capital idea'];
    expect(train([...texts].reverse())).toEqual(train(texts));
  });

  it.each([
    [260, [], /vocabularySize is 260, must be a multiple of 4 from 264/],
    [1023, [], /vocabularySize is 1023, must be a multiple of 4/],
    [65540, [], /65540.* to 65536/],
    [Number.NaN, [], /vocabularySize is NaN/],
    [264, Array.from({ length: 9 }, (_, i) => `<${i}>`), /multiple of 4 from 268 \(256 bytes and 9 special/],
    [512, ['<a>', '<a>'], /specialTokens\[1\] is "<a>", which is there twice/],
    [512, ['a'], /specialTokens\[0\] is "a", must be 2 or more printable ASCII/],
    [512, ['<a b>'], /printable ASCII characters without spaces/],
    [512, ['<é>'], /printable ASCII/],
    [512, ['<|unused0|>'], /reserved/],
  ] as const)('refuses size %s with special tokens %j', (vocabularySize, specialTokens, message) => {
    const call = () => trainTokenizer([], { vocabularySize, specialTokens });
    expect(call).toThrow(InputError);
    expect(call).toThrow(message);
  });
});

describe('learnMerges', () => {
  it('takes what a count over all words takes', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'a', 'b', 'c'), minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        fc.dictionary(word, fc.integer({ min: 1, max: 4 })),
        fc.nat({ max: 60 }),
        (counts, more) => {
          const words = new Map(Object.entries(counts));
          const alphabet = (): Map<string, number> =>
            new Map(['a', 'b', 'c'].map((letter, id) => [letter, id]));
          expect(learnMerges(words, alphabet(), 3 + more, 3)).toEqual(naiveMerges(words, 3 + more));
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** Counts every pair afresh before every merge. */
function naiveMerges(words: ReadonlyMap<string, number>, size: number): [string, string][] {
  const merges: [string, string][] = [];
  const known = new Set(['a', 'b', 'c']);
  let cut = [...words].map(([word, times]) => ({ tokens: [...word], times }));
  while (known.size < size) {
    const counts = new Map<string, number>();
    for (const { tokens, times } of cut) {
      for (let at = 1; at < tokens.length; at++) {
        const pair = `${tokens[at - 1]} ${tokens[at]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + times);
      }
    }
    // A space comes before every letter, so pairs sort by left, then right.
    const best = [...counts].sort((x, y) => y[1] - x[1] || (x[0] < y[0] ? -1 : 1))[0];
    if (best === undefined) break;
    const [left, right] = best[0].split(' ') as [string, string];
    merges.push([left, right]);
    known.add(left + right);
    cut = cut.map(({ tokens, times }) => {
      const joined: string[] = [];
      for (let at = 0; at < tokens.length; at++) {
        const both = tokens[at] === left && tokens[at + 1] === right;
        joined.push(both ? left + right : tokens[at]!);
        if (both) at += 1;
      }
      return { tokens: joined, times };
    });
  }
  return merges;
}

describe('createHeap', () => {
  it('gives items in order, pushed and popped in any way', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 9 }))), (steps) => {
        const heap = createHeap<number>((left, right) => left < right);
        let held: number[] = [];
        for (const step of steps) {
          if (step === null) {
            expect(heap.pop()).toBe(held[0]);
            held = held.slice(1);
          } else {
            heap.push(step);
            held = [...held, step].sort((left, right) => left - right);
          }
        }
      }),
    );
  });
});
