import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { AUDIT_COLUMNS, AUDIT_COMPONENT_COLUMNS } from '../bench/audit/columns.ts';
import type { Row } from '../bench/cell.ts';
import { CELL_COLUMNS, type Column, isText, METRIC_COLUMNS, TIMING_COLUMNS } from '../bench/columns.ts';
import { formatCsv } from '../bench/csv.ts';
import { fuzzAsync, mutatedJson, mutatedText } from '../core/fuzz.test-helper.ts';
import { analyze } from './analysis.ts';
import { createReport } from './report.ts';
import { CRITICALITY_COLUMNS, readSources } from './sources.ts';

/** Content of files by their paths, instead of what is on disk: writing each of many cases would take minutes. */
const given = vi.hoisted(() => new Map<string, Uint8Array>());
vi.mock(import('../core/bounded-file.ts'), async (importOriginal) => {
  const real = await importOriginal();
  const readBounded: typeof real.readBounded = async (path, most) =>
    given.has(path) ? Buffer.from(given.get(path)!) : real.readBounded(path, most);
  return {
    ...real,
    readBounded,
    readBoundedText: async (path, most = real.MAX_TEXT) => (await readBounded(path, most)).toString(),
    readBeginning: async (path, most) => (await readBounded(path, real.MAX_TEXT)).subarray(0, most),
  };
});

const folder = mkdtempSync(join(tmpdir(), 'creditbench-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A row of numbers and names. */
const rowOf = (columns: readonly Column[], step = 0): Row =>
  Object.fromEntries(columns.map((column, i) => [column.name, isText(column) ? `n${i}` : i / 7 + step]));

const place = (name: string): string => join(folder, name);
const write = (name: string, content: string): void => void given.set(place(name), Buffer.from(content));

const NAMES = { environment: 'a/v1', policy: 'p', algorithm: 'grpo' };
const CELLS = [0, 1].map((seed) => ({
  ...NAMES,
  seed,
  cell: `0123456789abcde${seed}`,
  algorithmId: 'grpo',
  status: 'finished',
  fingerprint: 'f',
  options: {},
}));
const SUITE = {
  creditbench: '1',
  suite: { name: 'x', algorithms: [{ name: 'grpo' }] },
  declarations: { 'a/v1': { score: { name: 'f1', range: [0, 1] }, metrics: [] } },
  cells: CELLS,
};
const rows = (columns: readonly Column[]): string =>
  formatCsv(
    [...CELL_COLUMNS, ...columns],
    CELLS.flatMap(({ seed, cell }) =>
      [0, 1].map((iteration) => ({ ...rowOf(columns, seed), ...NAMES, seed, cell, iteration })),
    ),
  );
const FILES: Readonly<Record<string, string>> = {
  'run/suite.json': JSON.stringify(SUITE),
  'run/metrics.csv': rows(METRIC_COLUMNS),
  'run/timings.csv': rows(TIMING_COLUMNS),
  'audit/audit.csv': formatCsv(AUDIT_COLUMNS, [rowOf(AUDIT_COLUMNS)]),
  'audit/audit_components.csv': formatCsv(AUDIT_COMPONENT_COLUMNS, [rowOf(AUDIT_COMPONENT_COLUMNS)]),
  ...Object.fromEntries(
    Object.entries(CRITICALITY_COLUMNS).map(([name, columns]) => [
      `criticality/${name}.csv`,
      formatCsv(columns, [rowOf(columns), rowOf(columns, 1)]),
    ]),
  ),
};
for (const [name, content] of Object.entries(FILES)) {
  mkdirSync(join(place(name), '..'), { recursive: true });
  writeFileSync(place(name), content);
}
const FOLDERS = ['run', 'audit', 'criticality'].map(place);

describe('any file of a report', () => {
  it('as it is written gives one', async () => {
    expect(createReport(await readSources(FOLDERS))).toContain('<html');
  });

  it.each(['run/suite.json', 'run/metrics.csv', 'run/timings.csv', 'audit/audit.csv'])(
    'is read or refused: %s',
    async (name) => {
      const valid = FILES[name]!;
      const only = place(name.split('/')[0]!);
      await fuzzAsync(mutatedText([valid]), async (text) => {
        write(name, text);
        await readSources([only]);
      });
      write(name, valid);
    },
  );

  it('is read or refused: the tables of criticality', async () => {
    for (const name of Object.keys(CRITICALITY_COLUMNS)) {
      const file = `criticality/${name}.csv`;
      const load = async (text: string): Promise<void> => {
        write(file, text);
        await readSources([place('criticality')]);
      };
      await fuzzAsync(mutatedText([FILES[file]!]), load, { share: 0.12 });
      write(file, FILES[file]!);
    }
  });

  it('that can be read can be shown', async () => {
    // Pages take time: fewer cases, of values only.
    await fuzzAsync(
      mutatedJson([SUITE]),
      async (value) => {
        write('run/suite.json', JSON.stringify(value) ?? '');
        createReport(await readSources(FOLDERS));
      },
      { share: 0.03 },
    );
    write('run/suite.json', FILES['run/suite.json']!);
    for (const name of ['run/metrics.csv', 'audit/audit.csv', 'criticality/prediction.csv']) {
      await fuzzAsync(
        mutatedText([FILES[name]!]),
        async (text) => {
          write(name, text);
          const sources = await readSources(FOLDERS);
          analyze(sources.cells);
          createReport(sources);
        },
        { share: 0.03 },
      );
      write(name, FILES[name]!);
    }
  });
});
