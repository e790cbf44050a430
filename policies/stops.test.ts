import { expect, it } from 'vitest';
import type { TokenCodec } from './policy.ts';
import { createStopTests } from './stops.ts';
import { codec } from './text-transformer/letters.test-helper.ts';

it('finds stops of one token and of several, and inside of a longer text', () => {
  const stopped = createStopTests(codec)(['</s>', 'ab']);
  const ends = (text: string): boolean => stopped(codec.encode(text));
  expect(['x</s>', 'ab', 'cab'].map(ends)).toEqual([true, true, true]);
  expect(stopped([...'x</s>'].flatMap((character) => codec.encode(character)))).toBe(true);
  expect(['', 'a', 'b', 'ba', '</s', 's>'].map(ends)).toEqual([false, false, false, false, false, false]);
});

it('finds a stop whose last character takes several tokens', () => {
  // One token per byte, as in byte-level tokenizers.
  const bytes: TokenCodec = {
    encode: (text) => [...Buffer.from(text)],
    decode: (ids) => Buffer.from(Array.from(ids)).toString('utf8'),
  };
  const stopped = createStopTests(bytes)(['x。']);
  const ids = bytes.encode('ax。');
  expect(ids.map((_, index) => stopped(ids.slice(0, index + 1)))).toEqual([false, false, false, false, true]);
});

it('decodes only where a stop can end', () => {
  let decoded = 0;
  const counting: TokenCodec = {
    ...codec,
    decode: (ids) => {
      if (ids.length > 1) decoded++;
      return codec.decode(ids);
    },
  };
  const stopped = createStopTests(counting)(['</s>']);
  const ids = codec.encode('a long text > without');
  for (let length = 1; length <= ids.length; length++) expect(stopped(ids.slice(0, length))).toBe(false);
  expect(decoded).toBe(1);
});
