import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { madeUpSources, writeMadeUp } from '../reports/html/made-up.test-helper.ts';
import { callCreditbench } from './call.test-helper.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-report-'));
  const made = madeUpSources({ algorithms: ['grpo', 'carl'] });
  await writeMadeUp(join(folder, 'monday'), made);
  await writeMadeUp(join(folder, 'other-index'), {
    ...made,
    cells: made.cells.map((cell) => ({ ...cell, fingerprint: 'other', options: { topK: 5 } })),
  });
});
afterAll(() => rm(folder, { recursive: true }));
const report = (...args: string[]) => callCreditbench(folder, ['report', ...args]);

it('writes the page into the first folder and says where; the same bytes each time', async () => {
  const file = join('monday', 'report.html');
  expect(await report('monday')).toEqual({ code: 0, stdout: '', stderr: `report: ${file}\n` });
  const page = await readFile(join(folder, file), 'utf8');
  expect(page).toContain('<h2>What was found</h2>');
  expect(await report('monday', '--out', 'again.html')).toMatchObject({ code: 0 });
  expect(await readFile(join(folder, 'again.html'), 'utf8')).toBe(page);
});

it('refuses mixed fingerprints with what differs, unless told otherwise', async () => {
  const refused = await report('monday', 'other-index', '--out', 'mixed.html');
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/different data or retrieval .* topK absent and 5; valid: .*--allow-mixed/);
  expect(existsSync(join(folder, 'mixed.html'))).toBe(false);
  expect(await report('monday', 'other-index', '--allow-mixed', '--out', 'mixed.html')).toMatchObject({
    code: 0,
  });
});

it('creates nothing for a folder that is not there', async () => {
  const { code, stderr } = await report('nothing');
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^error: results: nothing has neither/)]);
  expect(existsSync(join(folder, 'nothing'))).toBe(false);
});
