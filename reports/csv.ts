import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatCsv } from '../bench/csv.ts';
import { type CellOutcome, cellRow } from '../bench/runs/result-files.ts';
import { writeFileAtomic } from '../core/atomic-file.ts';
import { packageInfo } from '../core/package.ts';
import { analyze } from './analysis.ts';
import type { Analysis } from './analyzed.ts';
import { comparisonRows } from './comparison.ts';
import { columnsOf } from './files.ts';
import { latexTable } from './latex-table.ts';
import { markdownTable } from './paper-table.ts';
import { pairwiseRows, profileRows, resultsJson } from './rows.ts';
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

/**
 * Writes the files that show an analysis into a folder, each whole or not at all: comparison.csv, pairwise.csv and others
 * (docs/files.md). The folder is there.
 */
export async function writeAnalysisFiles(out: string, analysis: Analysis): Promise<void> {
  for (const [name, text] of Object.entries(analysisFiles(analysis)))
    await writeFileAtomic(join(out, name), text);
}

/**
 * Writes one TensorBoard event file per finished cell below `<out>/tensorboard`.
 * @returns the folder that TensorBoard is to be given.
 */
export async function writeEventFiles(out: string, outcomes: readonly CellOutcome[]): Promise<string> {
  const folder = join(out, 'tensorboard');
  for (const outcome of outcomes) {
    if (outcome.status !== 'finished') continue;
    const path = join(folder, ...eventPath(cellRow(outcome)));
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, eventFile(outcome.result.metrics));
  }
  return folder;
}
