import { cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AUDIT_COLUMNS, AUDIT_COMPONENT_COLUMNS } from '../bench/audit/columns.ts';
import {
  ENTROPY_COLUMNS,
  GROUP_COLUMNS,
  HISTOGRAM_COLUMNS,
  PREDICTION_COLUMNS,
} from '../bench/criticality/columns.ts';
import { formatCsv } from '../bench/csv.ts';
import { InputError } from '../core/errors.ts';
import { madeUpSources, writeMadeUp } from './html/made-up.test-helper.ts';
import { createReport } from './report.ts';
import { readSources } from './sources.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const made = madeUpSources({
  algorithms: ['grpo', 'carl'],
  change: (cell, index) =>
    index === 0
      ? {
          ...cell,
          status: 'failed',
          metrics: [],
          timings: [],
          fingerprint: undefined,
          error: 'out of memory',
        }
      : cell,
});
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-sources-'));
  await writeMadeUp(at('run'), made);
  await mkdir(at('audit'));
  const audit = { environment: 'stop/v1', algorithm: 'grpo', method: 'exact', gradient_verdict: 'biased' };
  await writeFile(at('audit/audit.csv'), formatCsv(AUDIT_COLUMNS, [{ ...audit, gradient_flipped: 1 }]));
  await writeFile(at('audit/audit_components.csv'), formatCsv(AUDIT_COMPONENT_COLUMNS, []));
  await mkdir(at('critical'));
  const bin = { bin_low: 0, bin_high: 0.25, count: 3, share: 1 };
  await writeFile(
    at('critical/histogram.csv'),
    formatCsv(HISTOGRAM_COLUMNS, [{ estimator: 'exact', ...bin }]),
  );
  await writeFile(
    at('critical/entropy-histogram.csv'),
    formatCsv(ENTROPY_COLUMNS, [{ group: 'low', ...bin }]),
  );
  await writeFile(
    at('critical/prediction.csv'),
    formatCsv(PREDICTION_COLUMNS, [{ uncertainty: 'entropy', auc: 0.75 }]),
  );
  await writeFile(at('critical/groups.csv'), formatCsv(GROUP_COLUMNS, []));
});
afterAll(() => rm(folder, { recursive: true }));

it('reads a run back with seconds and reasons, and audits and criticality by their files', async () => {
  const sources = await readSources([at('run'), at('audit'), at('critical')]);
  expect(sources.runs).toEqual([{ ...made.runs[0], folder: 'run' }]);
  expect(sources.cells.map(({ error, timings }) => [error, timings.length])).toEqual([
    ['out of memory', 0],
    ...Array.from({ length: 5 }, () => [undefined, 4]),
  ]);
  expect(sources.cells[1]!.metrics[2]!.dev_f1).toBe(made.cells[1]!.metrics[2]!.dev_f1);
  const page = createReport(sources);
  expect(page).toContain('Bias of the gradient');
  expect(page).toContain('1 flipped');
  expect(page).toContain('How critical states are');
  // What is passed on does not tell where it was made.
  expect(page).not.toContain(folder);
});

it('says which folder or file is not what it should be', async () => {
  await expect(readSources([at('nothing')])).rejects.toThrow(/nothing has neither suite\.json, audit\.csv/);
  await expect(readSources([at('run'), at('run')])).rejects.toThrow(/run is given twice/);
  await cp(at('run'), at('old'), { recursive: true });
  const lines = (await readFile(at('old/metrics.csv'), 'utf8')).split('\n').map((line) => line.split(','));
  const place = lines[0]!.indexOf('dev_em');
  const cut = lines.map((fields) => fields.filter((_, index) => index !== place).join(','));
  await writeFile(at('old/metrics.csv'), cut.join('\n'));
  await expect(readSources([at('old')])).rejects.toThrow(/old\/metrics\.csv: the columns are not those/);
  await cp(at('audit'), at('cut'), { recursive: true });
  await writeFile(at('cut/audit.csv'), 'environment');
  await expect(readSources([at('cut')])).rejects.toThrow(/cut\/audit\.csv: the last line is cut off/);
});

it('refuses a suite.json of unknown content, a text where a number belongs, and a file that is too large', async () => {
  await cp(at('run'), at('odd'), { recursive: true });
  const file = JSON.parse(await readFile(at('odd/suite.json'), 'utf8')) as { cells: object[] };
  const odd = { ...file, suite: 'x', cells: file.cells.map((cell) => ({ ...cell, policy: 3 })) };
  await writeFile(at('odd/suite.json'), JSON.stringify(odd));
  await expect(readSources([at('odd')])).rejects.toThrow(InputError);
  await expect(readSources([at('odd')])).rejects.toThrow(
    /odd\/suite\.json: suite: Invalid input: expected rec/,
  );
  await writeFile(at('odd/suite.json'), '[]');
  await expect(readSources([at('odd')])).rejects.toThrow(/odd\/suite\.json: content: /);
  await writeFile(at('odd/suite.json'), JSON.stringify(file));
  const [header, ...lines] = (await readFile(at('odd/metrics.csv'), 'utf8')).split('\n');
  const place = header!.split(',').indexOf('dev_f1');
  const second = lines[1]!.split(',').map((field, index) => (index === place ? 'high' : field));
  await writeFile(at('odd/metrics.csv'), [header, lines[0], second.join(), ...lines.slice(2)].join('\n'));
  await expect(readSources([at('odd')])).rejects.toThrow(
    /odd\/metrics\.csv: row 2, column dev_f1: "high" is not a number; valid: /,
  );
  await truncate(at('odd/metrics.csv'), 2 ** 40);
  await expect(readSources([at('odd')])).rejects.toThrow(
    /odd\/metrics\.csv: cannot be read \(1099511627776 bytes; valid: at most 524288000\)/,
  );
});

it('merges runs, tells their algorithms apart, and refuses different data', async () => {
  await writeMadeUp(at('second'), made);
  const page = createReport(await readSources([at('run'), at('second')]));
  expect(page).toContain('carl (run)');
  expect(page).toContain('carl (second)');
  await writeMadeUp(at('elsewhere'), {
    ...made,
    cells: made.cells.map((cell) => ({
      ...cell,
      options: { index: 'other' },
      ...(cell.status === 'finished' ? { fingerprint: 'other' } : {}),
    })),
  });
  const mixed = await readSources([at('run'), at('elsewhere')]);
  expect(() => createReport(mixed)).toThrow(/different data or retrieval .* index absent and "other"/);
});
