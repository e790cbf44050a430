import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CATALOG } from '../../catalog.ts';
import { findEnvironment } from '../../envs/registry.ts';
import { cellHash } from '../identity.ts';
import { resolveSuite, suiteCells } from '../suites/suite.ts';
import { withInputs } from './inputs.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(folder, { recursive: true }));

const cells = (environment: string, checkpoint = '', policy = 'transformer') =>
  suiteCells(
    resolveSuite(
      {
        file: 's.yaml',
        text: `name: s\nenvironments: [${environment}]\npolicy: ${policy}\nalgorithms: [grpo]\nseeds: 1\nwarmStart: { steps: 0 ${checkpoint} }`,
      },
      CATALOG,
    ),
  );

it('makes a cell whose files have changed another cell', async () => {
  const file = join(folder, 'dev.jsonl');
  const entry = `{ id: search, options: { questions: files, files: { dev: '${file}' } } }`;
  const hash = async () =>
    cellHash((await withInputs(cells(entry, '', 'text-transformer'), CATALOG))[0]!.cell);
  await writeFile(file, 'one');
  const before = await hash();
  expect(await hash()).toBe(before);
  await writeFile(file, 'two');
  expect(await hash()).not.toBe(before);
});

it('leaves cells without files alone and names a file that cannot be read', async () => {
  const [plain] = await withInputs(cells('multihop'), CATALOG);
  expect(plain!.cell).not.toHaveProperty('inputs');
  expect(findEnvironment('multihop').files).toBeUndefined();
  await expect(withInputs(cells('multihop', `, checkpoint: '${folder}/none'`), CATALOG)).rejects.toThrow(
    /none.tokenizer\.json cannot be read \(ENOENT\)/,
  );
});
