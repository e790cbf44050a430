import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { analyze } from './analysis.ts';
import type { ComparedCell } from './analyzed.ts';
import { analysisFiles } from './csv.ts';
import { filesPage, RUN_FILES } from './files.ts';

/** The columns that a page of documentation names, by file. */
function documented(page: string): Readonly<Record<string, readonly string[]>> {
  const sections = page.split(/^## (?=\S+\.csv$)/m).slice(1);
  return Object.fromEntries(
    sections.map((section) => [
      section.slice(0, section.indexOf('\n')),
      [...section.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!),
    ]),
  );
}

const cell = (algorithm: string, seed: number): ComparedCell => ({
  environment: 'walk/v1',
  algorithm,
  algorithmId: algorithm,
  seed,
  status: 'finished',
  fingerprint: 'f',
  options: {},
  metrics: [
    { iteration: 0, dev_f1: 0.25 },
    {
      iteration: 1,
      dev_f1: (seed + algorithm.length) / 10,
      dev_em: 0.1,
      action_entropy: 0.5,
      token_entropy: 0.25,
    },
  ],
});
const CELLS = ['grpo', 'carl', 'other'].flatMap((algorithm) =>
  [0, 1, 2].map((seed) => cell(algorithm, seed)),
);

describe('docs/files.md', () => {
  it('is what the code says (npx vitest -u writes it)', async () => {
    await expect(filesPage()).toMatchFileSnapshot('../docs/files.md');
  });

  it('names the columns of every file that is written, and no others', async () => {
    const page = documented(await readFile(new URL('../docs/files.md', import.meta.url), 'utf8'));
    const files = Object.entries(analysisFiles(analyze(CELLS)));
    const written = files.filter(([name]) => name.endsWith('.csv'));
    expect(written.map(([name]) => name).sort()).toEqual(['comparison.csv', 'pairwise.csv', 'profiles.csv']);
    for (const [name, text] of written) {
      expect(text.slice(0, text.indexOf('\n')).split(','), name).toEqual(page[name]);
      expect(text.split('\n').length, name).toBeGreaterThan(3);
    }
    // metrics.csv, timings.csv and entropy.csv are written by runSuite, with the same columns.
    for (const { name, columns } of RUN_FILES) expect(columns.map((one) => one.name)).toEqual(page[name]);
  });

  it('would not pass with a column too many or too few', () => {
    const page = filesPage();
    const without = documented(page.replace(/^\| `p_holm`.*\n/m, ''));
    const more = documented(page.replace(/^\| `p_holm`/m, '| `p_bonferroni` | 0..1 | |\n$&'));
    const columns = RUN_FILES.find(({ name }) => name === 'pairwise.csv')!.columns.map(({ name }) => name);
    expect(documented(page)['pairwise.csv']).toEqual(columns);
    expect(without['pairwise.csv']).toHaveLength(columns.length - 1);
    expect(more['pairwise.csv']).toHaveLength(columns.length + 1);
  });

  it('says something about every column', () => {
    for (const { columns } of RUN_FILES) {
      for (const { unit, description } of columns) {
        expect(unit).not.toBe('');
        expect(description).not.toBe('');
      }
    }
  });
});
