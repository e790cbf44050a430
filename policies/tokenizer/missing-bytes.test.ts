import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { BpeModel, TokenizerJson } from './format.ts';
import { createCodec } from './load.ts';

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8'));

/** Written by scripts/golden/chat.py with the Python library. */
interface Golden {
  readonly missing: readonly string[];
  /** A token with a missing byte, in the place of that byte. */
  readonly whole: string;
  readonly styles: Readonly<
    Record<
      string,
      { readonly changes: Partial<BpeModel>; readonly cases: readonly { text: string; ids: number[] }[] }
    >
  >;
}

const file = read('gpt2-style') as TokenizerJson;
const { missing, whole, styles } = read('missing-bytes') as Golden;

const withoutBytes = (changes: Partial<BpeModel>): TokenizerJson => {
  const lacks = (token: string): boolean => !missing.some((character) => token.includes(character));
  const spelling = (token: string, id: number): string =>
    lacks(token) ? token : token === missing[0] ? whole : '!'.repeat(50 + id);
  const vocab = Object.fromEntries(
    Object.entries(file.model.vocab).map(([token, id]) => [spelling(token, id), id]),
  );
  const merges = (file.model.merges as [string, string][]).filter((pair) => lacks(pair.join('')));
  return { ...file, model: { ...file.model, vocab, merges, ...changes } };
};

describe('a vocabulary that lacks bytes gives the ids of the Python library', () => {
  it.each(Object.keys(styles))('%s', (name) => {
    const { changes, cases } = styles[name]!;
    const codec = createCodec(withoutBytes(changes));
    expect(cases.length).toBeGreaterThan(100);
    for (const { text, ids } of cases) {
      expect.soft([...codec.encode(text)], JSON.stringify(text)).toEqual(ids);
    }
  });

  it('and what stood around a dropped byte becomes one token', () => {
    const codec = createCodec(withoutBytes({}));
    expect(codec.encode('The cavpital')).toEqual(codec.encode('The capital'));
    expect(codec.decode(codec.encode('The cavpital'))).toBe('The capital');
  });
});
