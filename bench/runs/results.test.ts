import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CELL_COLUMNS, METRIC_COLUMNS } from '../columns.ts';
import { formatCsv } from '../csv.ts';
import { readResults } from './results.ts';
import { unlistedNotices } from './run-folder.ts';
import { readStatus } from './status.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-'));
});
afterAll(() => rm(folder, { recursive: true }));

const CELL = {
  environment: 'walk/v1',
  algorithm: 'grpo',
  algorithmId: 'grpo',
  seed: 0,
  // All digits: must not be taken for a number.
  cell: '1234567890123456',
  options: { topK: 3 },
};

async function results(name: string, cells: readonly object[]): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  await writeFile(
    join(path, 'suite.json'),
    JSON.stringify({
      suite: {},
      declarations: { 'walk/v1': { score: { name: 'f1', range: [0, 1] }, metrics: [] } },
      cells,
    }),
  );
  const rows = [
    { environment: 'walk/v1', algorithm: 'grpo', seed: 0, cell: CELL.cell, iteration: 0, dev_f1: 0.5 },
  ];
  await writeFile(join(path, 'metrics.csv'), formatCsv([...CELL_COLUMNS, ...METRIC_COLUMNS], rows));
  return path;
}

it('reads runs, finished and not, and tells equal names apart by their folders', async () => {
  const one = await results('monday', [{ ...CELL, status: 'finished', fingerprint: 'f' }]);
  const two = await results('tuesday', [
    { ...CELL, status: 'finished', fingerprint: 'f' },
    { ...CELL, algorithm: 'carl', cell: 'aaaaaaaaaaaaaaaa', status: 'failed' },
  ]);
  const [alone] = await readResults([one]);
  expect(alone).toMatchObject({ algorithm: 'grpo', fingerprint: 'f', options: { topK: 3 } });
  expect(alone!.metrics).toMatchObject([{ dev_f1: 0.5 }]);
  const both = await readResults([one, two]);
  expect(both.map(({ algorithm, status }) => [algorithm, status])).toEqual([
    ['grpo (monday)', 'finished'],
    ['grpo (tuesday)', 'finished'],
    ['carl', 'failed'],
  ]);
});

it('tells folders of the same name apart by what is above them', async () => {
  const cells = [{ ...CELL, status: 'finished', fingerprint: 'f' }];
  await mkdir(join(folder, 'a'));
  await mkdir(join(folder, 'b'));
  const both = await readResults([await results('a/quick', cells), await results('b/quick', cells)]);
  expect(both.map(({ algorithm, run }) => [algorithm, run])).toEqual([
    ['grpo (a/quick)', 0],
    ['grpo (b/quick)', 1],
  ]);
});

it('says which file is missing, damaged or of another version', async () => {
  await expect(readResults([join(folder, 'nowhere')])).rejects.toThrow(
    /nowhere.suite\.json: cannot be read \(ENOENT\); valid: an output folder/,
  );
  const bad = await results('bad', [{ ...CELL, seed: 'x', status: 'finished' }]);
  await expect(readResults([bad])).rejects.toThrow(/suite\.json: cells\.0\.seed: /);
  await writeFile(join(bad, 'suite.json'), '{');
  await expect(readResults([bad])).rejects.toThrow(/suite\.json: .*JSON/);
  const empty = await results('empty', [
    { ...CELL, cell: 'bbbbbbbbbbbbbbbb', status: 'finished', fingerprint: 'f' },
  ]);
  await expect(readResults([empty])).rejects.toThrow(
    'metrics.csv: it has no rows of cell bbbbbbbbbbbbbbbb, which suite.json',
  );
  await expect(readResults([empty, `${empty}/../empty`])).rejects.toThrow('is given twice; valid: different');
  await symlink(empty, join(folder, 'link'));
  await expect(readResults([empty, join(folder, 'link')])).rejects.toThrow(
    `results: ${join(folder, 'link')} and ${empty} are one folder; valid: different folders`,
  );
  const cut = await results('cut', []);
  await writeFile(join(cut, 'metrics.csv'), 'environment,policy');
  await expect(readResults([cut])).rejects.toThrow('metrics.csv: the last line is cut off');
});

it('wants the score of every environment that has a finished cell, and tells it of the others', async () => {
  const cells = [
    { ...CELL, status: 'finished', fingerprint: 'f' },
    { ...CELL, environment: 'world/v1', algorithm: 'carl', cell: 'c'.repeat(16), status: 'missing' },
  ];
  const one = await results('declared', cells);
  expect((await readResults([one])).map(({ score }) => score)).toEqual([
    { name: 'f1', range: [0, 1] },
    undefined,
  ]);
  const file = { declarations: {}, cells };
  await writeFile(join(one, 'suite.json'), JSON.stringify(file));
  await expect(readResults([one])).rejects.toThrow('suite.json: declarations: walk/v1 is missing');
});

it('counts finished cells that suite.json does not list', async () => {
  const one = await results('more', [{ ...CELL, status: 'finished', fingerprint: 'f' }]);
  for (const name of [CELL.cell, 'dddddddddddddddd', 'eeeeeeeeeeeeeeee', 'ffffffffffffffff', 'other']) {
    await mkdir(join(one, 'cells', name), { recursive: true });
    // One was being written when its machine went down.
    if (name !== 'ffffffffffffffff') await writeFile(join(one, 'cells', name, 'done.json'), '{}');
  }
  expect(await unlistedNotices([one, folder])).toEqual([
    `${one}: 2 finished cells are not listed in suite.json (other seeds, settings or code) and left out; to have them, run their suite into this folder again: finished cells are kept`,
  ]);
  expect((await readStatus(one)).unlisted).toBe(2);
  await rm(join(one, 'cells'), { recursive: true });
  expect(await unlistedNotices([one])).toEqual([]);
});
