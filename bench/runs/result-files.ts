import { join } from 'node:path';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { packageInfo } from '../../core/package.ts';
import type { CellResult, NamedCell, Row } from '../cell.ts';
import { CELL_COLUMNS, type Column, ENTROPY_CURVE_COLUMNS, TIMING_COLUMNS } from '../columns.ts';
import { formatCsv } from '../csv.ts';
import { metricColumns } from '../declaration.ts';
import type { Suite } from '../suites/suite.ts';
import { RUN_FOLDER, writeSuiteFile } from './run-folder.ts';
import type { CellError } from './storage.ts';

/** Where a run stands with a cell. `missing` means that the run was stopped before it. */
export type CellOutcome = NamedCell & { readonly hash: string } & (
    | { readonly status: 'finished'; readonly result: CellResult }
    | { readonly status: 'failed'; readonly error: CellError }
    | { readonly status: 'missing' }
  );

/** How the files of a run name a cell: the values of CELL_COLUMNS. */
export const cellRow = ({ cell, name, hash }: CellOutcome) => ({
  environment: cell.environment.id,
  policy: cell.policy.id,
  algorithm: name,
  seed: cell.seed,
  cell: hash.slice(0, 16),
});

/**
 * Writes the files at the top of an output folder that say what was found, each whole or not at all: metrics.csv,
 * timings.csv, entropy.csv and suite.json. All but timings.csv depend on nothing but the suite and which of its cells are
 * finished.
 */
export async function writeResultFiles(
  out: string,
  suite: Suite | undefined,
  outcomes: readonly CellOutcome[],
): Promise<void> {
  const finished = outcomes.flatMap((outcome) =>
    outcome.status === 'finished' ? [{ row: cellRow(outcome), ...outcome.result }] : [],
  );
  const declarations = Object.fromEntries(
    finished.map(({ row, declaration }) => [row.environment, declaration]),
  );
  const table = (columns: readonly Column[], rows: (result: CellResult) => readonly Row[]): string =>
    formatCsv(
      [...CELL_COLUMNS, ...columns],
      finished.flatMap((cell) => rows(cell).map((row) => ({ ...cell.row, ...row }))),
    );
  const files = {
    [RUN_FOLDER.metrics]: table(metricColumns(Object.values(declarations)), ({ metrics }) => metrics),
    [RUN_FOLDER.timings]: table(TIMING_COLUMNS, ({ timings }) => timings),
    'entropy.csv': table(ENTROPY_CURVE_COLUMNS, entropyRows),
  };
  for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(out, name), text);
  await writeSuiteFile(out, {
    creditbench: packageInfo().version,
    ...(suite === undefined ? {} : { suite: { ...suite } }),
    declarations,
    cells: outcomes.map((outcome) => ({
      ...cellRow(outcome),
      status: outcome.status,
      algorithmId: outcome.cell.algorithm.id,
      options: { ...outcome.cell.environment.options },
      ...(outcome.status === 'finished' ? { fingerprint: outcome.result.fingerprint } : {}),
    })),
  });
}

/** The entropies of every training iteration, one row per level that was recorded. */
function entropyRows({ metrics }: CellResult): readonly Row[] {
  return metrics.flatMap(({ iteration = null, ...row }) =>
    ['action', 'token'].flatMap((level) => {
      const entropy = row[`${level}_entropy`] ?? null;
      return entropy === null ? [] : [{ iteration, level, entropy }];
    }),
  );
}
