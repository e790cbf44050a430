import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from './errors.ts';
import { fuzz, fuzzAsync, mutatedBytes, mutatedJson, mutatedText } from './fuzz.test-helper.ts';

/** Parsers with one bug each, that nine of ten inputs do not meet. */
const words = fc.constantFrom(...'abcdefghij', 'bug');
const on = (bug: () => unknown) => (word: string) => (word === 'bug' ? bug() : undefined);

describe('the fuzzer finds', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['a crash', () => (undefined as unknown as { a: 1 }).a, /TypeError/],
    ['an error that is no InputError', () => JSON.parse('{'), /SyntaxError/],
    [
      'a stack that overflows',
      function deep(): unknown {
        return [deep()];
      },
      /Maximum call stack/,
    ],
    ['a buffer that is never touched', () => new ArrayBuffer(2 ** 29), /bytes taken/],
    [
      'memory in use',
      () => Array.from({ length: 48 }, () => new Array(2 ** 20).fill(0.5)).length,
      /bytes taken/,
    ],
    [
      'a changed prototype',
      () => Object.assign(Object.prototype, { polluted: 1 }),
      /Object.prototype has got/,
    ],
    [
      'a message that never ends',
      () => throwing(Object.assign(new InputError(''), { message: 'x'.repeat(2e4) })),
      /a message of 20000/,
    ],
    [
      'a message that drives a terminal',
      () => throwing(Object.assign(new InputError(''), { message: '\u009b2J' })),
      /a message with U\+9b/,
    ],
  ])('%s', (_, bug, message) => {
    expect(() => fuzz(words, on(bug), { cases: 200 })).toThrow(message);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('a loop that never ends', () => {
    const loop = () => {
      for (let i = 0; ; i++) if (i < 0) return;
    };
    expect(() => fuzz(words, on(loop), { hangMs: 1500 })).toThrow(/does not return from "bug"/);
    // The backtracking of a pattern is such a loop, too.
    const backtracking = () => /^(a+)+$/.test(`${'a'.repeat(60)}b`);
    expect(() => fuzz(words, on(backtracking), { hangMs: 1500 })).toThrow(/does not return from "bug"/);
  });

  it('a loader that crashes after waiting, and one that never settles', async () => {
    const crash = async (word: string) => {
      await null;
      on(() => (undefined as unknown as { a: 1 }).a)(word);
    };
    await expect(fuzzAsync(words, crash, { cases: 200 })).rejects.toThrow(/TypeError/);
    const stuck = async (word: string) => on(() => new Promise(() => {}))(word);
    await expect(fuzzAsync(words, stuck, { cases: 200, hangMs: 300 })).rejects.toThrow(/timeout/);
  });

  it('nothing where all is well, and lets InputErrors through', () => {
    fuzz(
      words,
      on(() => throwing(new InputError('--x: no'))),
    );
  });
});

describe('inputs', () => {
  const VALID = '{"name": "a", "sizes": [1, 22], "deep": {"x": true}}';
  const meets = (inputs: fc.Arbitrary<unknown>, found: (text: string) => boolean): boolean =>
    fc
      .sample(inputs, { numRuns: 3000, seed: 1 })
      .some((input) =>
        found(
          input instanceof Uint8Array
            ? Buffer.from(input).toString('latin1')
            : typeof input === 'string'
              ? input
              : (JSON.stringify(input) ?? ''),
        ),
      );

  it.each<[string, (text: string) => boolean]>([
    ['a huge number', (text) => text.includes('1e999')],
    ['an own key __proto__', (text) => text.includes('"__proto__": ')],
    ['deep nesting', (text) => text.includes('[[[[[[[[[[[[[[[')],
    ['an escape', (text) => text.includes('\u001b')],
    ['a zero byte', (text) => text.includes('\0')],
    ['a cut, early or late', (text) => text.length > 40 && VALID !== text && VALID.startsWith(text)],
    ['a piece twice', (text) => text.includes('name": "aname": "a') || text.split('sizes').length === 3],
  ])('of bytes and texts have %s', (_, found) => {
    expect(meets(mutatedBytes([VALID]), found)).toBe(true);
    expect(meets(mutatedText([VALID]), found)).toBe(true);
  });

  it('of texts have lone surrogates', () => {
    expect(meets(mutatedText([VALID]), (text) => /\p{Surrogate}/u.test(text))).toBe(true);
  });

  it.each<[string, (text: string) => boolean]>([
    ['another kind', (text) => /"sizes":[^[]/.test(text)],
    ['an own key __proto__', (text) => text.includes('"__proto__":')],
    ['a missing part', (text) => text === '{"sizes":[1,22],"deep":{"x":true}}'],
    ['deep nesting', (text) => text.includes('[{"a":[{"a":[{"a":[{"a":')],
  ])('of JSON have %s', (_, found) => {
    expect(meets(mutatedJson([JSON.parse(VALID)]), found)).toBe(true);
  });
});

function throwing(error: Error): never {
  throw error;
}
