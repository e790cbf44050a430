import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { analyze } from '../../reports/analysis.ts';
import { comparisonRows } from '../../reports/comparison.ts';
import { createReport } from '../../reports/report.ts';
import { readSources } from '../../reports/sources.ts';
import golden from './golden/folder-before-scores.json' with { type: 'json' };
import { readResults } from './results.ts';
import { readStatus } from './status.ts';

/** Written by the code of before environments declared their scores. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-old-'));
  for (const [name, text] of Object.entries(golden.files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
});
afterAll(() => rm(folder, { recursive: true }));

it('an older folder is read as scored by F1, with the numbers that it has', async () => {
  const results = await readResults([folder]);
  expect(results.map(({ score }) => score)).toEqual(results.map(() => ({ name: 'f1', range: [0, 1] })));
  const search = results.find(({ environment }) => environment === 'search/v1')!;
  expect(Object.keys(search.metrics[0]!)).toEqual(
    expect.arrayContaining([
      'dev_return',
      'train_return',
      'dev_question_error',
      'dev_answered',
      'tool_calls',
    ]),
  );
  expect(search.metrics.at(-1)).toMatchObject({
    dev_return: expect.any(Number),
    dev_question_error: expect.any(Number),
  });
  const rows = comparisonRows(analyze(results).groups);
  for (const row of rows) {
    const before = golden.expected[`${row.environment} ${row.algorithm}` as keyof typeof golden.expected];
    expect(row).toMatchObject({
      score: 'f1',
      score_mean: Number(before.dev_f1),
      score_start: Number(before.dev_f1_start),
      score_auc: Number(before.dev_f1_auc),
      dev_f1: Number(before.dev_f1),
      dev_em: Number(before.dev_em),
      update_actions: Number(before.update_actions),
    });
  }
});

it('its cells are whole, and it has a page', async () => {
  expect(await readStatus(folder)).toMatchObject({ counts: { finished: 3, damaged: 0 }, unlisted: 0 });
  expect(createReport(await readSources([folder]))).toContain('dev F1 after');
});
