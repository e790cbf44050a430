import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Row } from '../bench/cell.ts';
import { CELL_COLUMNS } from '../bench/columns.ts';
import { formatCsv } from '../bench/csv.ts';
import { metricColumns } from '../bench/declaration.ts';
import { RUN_FOLDER, writeSuiteFile } from '../bench/runs/run-folder.ts';
import type { CellOutcome } from '../bench/runs/runner.ts';
import type { Suite } from '../bench/suites/suite.ts';
import { writeFileAtomic } from '../core/atomic-file.ts';
import { packageInfo } from '../core/package.ts';
import { analyze } from './analysis.ts';
import type { Analysis } from './analyzed.ts';
import { comparisonRows } from './comparison.ts';
import { columnsOf } from './files.ts';
import { latexTable, markdownTable } from './paper-table.ts';
import { cellRow, entropyRows, type IdentifiedCell, pairwiseRows, profileRows, resultsJson } from './rows.ts';
import { eventFile, eventPath } from './tensorboard.ts';

/** The analysis of a run, unfinished cells counted. */
export function analyzeOutcomes(outcomes: readonly CellOutcome[]): Analysis {
  return analyze(
    outcomes.map((outcome) => ({
      environment: outcome.cell.environment.id,
      algorithm: outcome.name,
      algorithmId: outcome.cell.algorithm.id,
      seed: outcome.cell.seed,
      status: outcome.status,
      metrics: outcome.status === 'finished' ? outcome.result.metrics : [],
      fingerprint: outcome.status === 'finished' ? outcome.result.fingerprint : undefined,
      score: outcome.status === 'finished' ? outcome.result.declaration.score : undefined,
      cell: outcome.hash.slice(0, 16),
      options: outcome.cell.environment.options,
    })),
  );
}

/** The files that show an analysis: name to text. */
export function analysisFiles(analysis: Analysis): Readonly<Record<string, string>> {
  return {
    'comparison.csv': formatCsv(columnsOf('comparison.csv'), comparisonRows(analysis.groups)),
    'pairwise.csv': formatCsv(columnsOf('pairwise.csv'), pairwiseRows(analysis.pairs)),
    'profiles.csv': formatCsv(columnsOf('profiles.csv'), profileRows(analysis.profiles)),
    'results.json': resultsJson(analysis, packageInfo().version),
    'comparison.md': markdownTable(analysis),
    'comparison.tex': latexTable(analysis),
  };
}

/** Writes them into a folder, each whole or not at all. The folder is there. */
export async function writeAnalysisFiles(out: string, analysis: Analysis): Promise<void> {
  for (const [name, text] of Object.entries(analysisFiles(analysis)))
    await writeFileAtomic(join(out, name), text);
}

/**
 * Writes the files at the top of an output folder (docs/files.md), each whole or not at all. All but
 * `timings.csv` depend on nothing but the suite and which of its cells are finished.
 */
export async function writeSuiteFiles(
  out: string,
  suite: Suite,
  outcomes: readonly CellOutcome[],
  analysis: Analysis = analyzeOutcomes(outcomes),
): Promise<void> {
  await writeResultFiles(out, suite, outcomes);
  await writeAnalysisFiles(out, analysis);
}

/** Those of them that say what was found, without what is made of it: enough to read the folder. */
export async function writeResultFiles(
  out: string,
  suite: Suite,
  outcomes: readonly CellOutcome[],
): Promise<void> {
  const finished = outcomes.flatMap((outcome) =>
    outcome.status === 'finished' ? [{ ...identify(outcome), ...outcome.result }] : [],
  );
  const declarations = Object.fromEntries(
    finished.map(({ environment, declaration }) => [environment, declaration]),
  );
  const merged = (rows: (cell: (typeof finished)[number]) => readonly Row[]) =>
    finished.flatMap((cell) => rows(cell).map((row) => ({ ...cellRow(cell), ...row })));
  const files = {
    [RUN_FOLDER.metrics]: formatCsv(
      [...CELL_COLUMNS, ...metricColumns(Object.values(declarations))],
      merged(({ metrics }) => metrics),
    ),
    [RUN_FOLDER.timings]: formatCsv(
      columnsOf('timings.csv'),
      merged(({ timings }) => timings),
    ),
    'entropy.csv': formatCsv(columnsOf('entropy.csv'), entropyRows(finished)),
  };
  for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(out, name), text);
  await writeSuiteFile(out, {
    creditbench: packageInfo().version,
    suite: { ...suite },
    declarations,
    cells: outcomes.map((outcome) => ({
      ...identify(outcome),
      status: outcome.status,
      algorithmId: outcome.cell.algorithm.id,
      options: { ...outcome.cell.environment.options },
      ...(outcome.status === 'finished' ? { fingerprint: outcome.result.fingerprint } : {}),
    })),
  });
}

/**
 * Writes one TensorBoard event file per finished cell below `<out>/tensorboard`.
 * @returns the folder that TensorBoard is to be given.
 */
export async function writeEventFiles(out: string, outcomes: readonly CellOutcome[]): Promise<string> {
  const folder = join(out, 'tensorboard');
  for (const outcome of outcomes) {
    if (outcome.status !== 'finished') continue;
    const path = join(folder, ...eventPath(identify(outcome)));
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, eventFile(outcome.result.metrics));
  }
  return folder;
}

const identify = ({ cell, name, hash }: CellOutcome): Omit<IdentifiedCell, 'metrics'> => ({
  environment: cell.environment.id,
  policy: cell.policy.id,
  algorithm: name,
  seed: cell.seed,
  cell: hash.slice(0, 16),
});
