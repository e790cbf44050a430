import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import { parseCsv } from '../csv.ts';
import { QUALITY_COLUMNS } from './tables.ts';

it('results/reference/credit-quality.csv has the columns of this version and every registered method', async () => {
  const file = new URL('../../results/reference/credit-quality.csv', import.meta.url);
  const rows = parseCsv(QUALITY_COLUMNS, await readFile(file, 'utf8'));
  expect(rows.map(({ algorithm }) => algorithm)).toEqual(ALGORITHMS.map(({ id }) => id));
  for (const row of rows) {
    expect(row.truth).toBe('exact');
    expect(row.sampled_tokens, String(row.algorithm)).toBeGreaterThanOrEqual(1000);
    // At most one round more.
    expect(row.sampled_tokens, String(row.algorithm)).toBeLessThan(1070);
  }
});
