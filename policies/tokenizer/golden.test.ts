import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TokenizerJson } from './format.ts';
import { createCodec } from './load.ts';
import { readTokenizer } from './read.ts';
import { trainTokenizer } from './train.ts';

const golden = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));

interface Case {
  readonly text: string;
  readonly ids: number[];
  readonly decoded: string;
}

/** Written by scripts/golden/tokenizer.py with the Python library. */
interface Golden {
  readonly cases: Readonly<Record<string, readonly Case[]>>;
}

/** What gpt2-style.json is changed to, and cases for that; by the same script. */
type Variants = Readonly<Record<string, { changes: Partial<TokenizerJson>; cases: readonly Case[] }>>;

const TEXTS = [
  'The capital of Suriname is Paramaribo. The capital of Peru is Lima. The capital of Brazil is Brasília.',
  'Which country borders both Peru and Brazil? <search> borders of Peru </search>\n\nColombia, Ecuador',
  "Guinea-Bissau, Côte d'Ivoire, São Tomé and Príncipe (since 1975); Москва, 東京.",
];

describe('the same ids as the Python library', () => {
  it('trains the file that golden values were made from', async () => {
    const json = trainTokenizer(TEXTS, {
      vocabularySize: 400,
      specialTokens: ['<|begin|>', '<|end|>', '<search>', '</search>', '<information>', '</information>'],
    });
    await expect(`${JSON.stringify(json, null, 1)}\n`).toMatchFileSnapshot(golden('trained.json'));
  });

  it.each(['trained', 'gpt2-style', 'qwen-style', 'digits-style'])('%s.json', async (name) => {
    const { cases } = JSON.parse(readFileSync(golden('ids.json'), 'utf8')) as Golden;
    const { codec } = await readTokenizer(golden(`${name}.json`));
    expect(cases[name]!.length).toBeGreaterThan(20);
    for (const { text, ids, decoded } of cases[name]!) {
      expect.soft([...codec.encode(text)], JSON.stringify(text)).toEqual(ids);
      expect.soft(codec.decode(ids), JSON.stringify(text)).toBe(decoded);
    }
  });

  it('with added tokens that take white space along, and cuts that remove text', () => {
    const file = JSON.parse(readFileSync(golden('gpt2-style.json'), 'utf8')) as TokenizerJson;
    const variants = JSON.parse(readFileSync(golden('added-tokens.json'), 'utf8')) as Variants;
    expect(Object.keys(variants)).toEqual(['stripping', 'stripping, NFC', 'stripping, NFKC', 'removing']);
    for (const [name, { changes, cases }] of Object.entries(variants)) {
      const codec = createCodec({ ...file, ...changes });
      expect(cases.length).toBeGreaterThan(100);
      for (const { text, ids } of cases) {
        expect.soft([...codec.encode(text)], `${name}: ${JSON.stringify(text)}`).toEqual(ids);
      }
      // What `createCodec` does not promise to give back.
      expect(cases.some(({ text, ids }) => codec.decode(ids) !== text)).toBe(true);
    }
  });

  it('keeps every text but those that a normalizer changes', () => {
    const { cases } = JSON.parse(readFileSync(golden('ids.json'), 'utf8')) as Golden;
    for (const [name, list] of Object.entries(cases)) {
      const changed = list.filter(({ text, decoded }) => text !== decoded);
      expect(changed.every(({ text }) => name === 'qwen-style' && text !== text.normalize('NFC'))).toBe(true);
    }
  });
});
