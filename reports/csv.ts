import { join } from 'node:path';
import type { Row } from '../bench/cell.ts';
import { CELL_COLUMNS, METRIC_COLUMNS, TIMING_COLUMNS } from '../bench/columns.ts';
import { formatCsv } from '../bench/csv.ts';
import { packageInfo } from '../bench/package.ts';
import type { CellOutcome } from '../bench/runner.ts';
import { writeFileAtomic } from '../bench/storage.ts';
import type { Suite } from '../bench/suite.ts';
import { COMPARISON_COLUMNS } from './columns.ts';
import { compare } from './comparison.ts';

/** The comparison rows (COMPARISON_COLUMNS) of a run, unfinished cells counted. */
export function compareOutcomes(outcomes: readonly CellOutcome[]): readonly Row[] {
  return compare(
    outcomes.map((outcome) => ({
      environment: outcome.cell.environment.id,
      algorithm: outcome.name,
      algorithmId: outcome.cell.algorithm.id,
      seed: outcome.cell.seed,
      status: outcome.status,
      metrics: outcome.status === 'finished' ? outcome.result.metrics : [],
      fingerprint: outcome.status === 'finished' ? outcome.result.fingerprint : undefined,
      options: outcome.cell.environment.options,
    })),
  );
}

/**
 * Writes the files at the top of an output folder, each whole or not at all: `metrics.csv` and `timings.csv`
 * (every finished cell, in suite order), `comparison.csv`, and `suite.json` (the complete suite and its cells).
 * All but `timings.csv` depend on nothing but the suite and which of its cells are finished.
 */
export async function writeSuiteFiles(
  out: string,
  suite: Suite,
  outcomes: readonly CellOutcome[],
): Promise<void> {
  const finished = outcomes.filter((outcome) => outcome.status === 'finished');
  const merged = (rows: (outcome: (typeof finished)[number]) => readonly Row[]) =>
    finished.flatMap((outcome) => rows(outcome).map((row) => ({ ...describeCell(outcome), ...row })));
  const files = {
    'metrics.csv': formatCsv(
      [...CELL_COLUMNS, ...METRIC_COLUMNS],
      merged(({ result }) => result.metrics),
    ),
    'timings.csv': formatCsv(
      [...CELL_COLUMNS, ...TIMING_COLUMNS],
      merged(({ result }) => result.timings),
    ),
    'comparison.csv': formatCsv(COMPARISON_COLUMNS, compareOutcomes(outcomes)),
    'suite.json': `${JSON.stringify(
      {
        creditbench: packageInfo().version,
        suite,
        cells: outcomes.map((outcome) => ({
          ...describeCell(outcome),
          status: outcome.status,
          algorithmId: outcome.cell.algorithm.id,
          options: outcome.cell.environment.options,
          ...(outcome.status === 'finished' ? { fingerprint: outcome.result.fingerprint } : {}),
        })),
      },
      null,
      2,
    )}\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(out, name), text);
}

/** Values of CELL_COLUMNS. */
function describeCell({ cell, name, hash }: CellOutcome): Row {
  return {
    environment: cell.environment.id,
    policy: cell.policy.id,
    algorithm: name,
    seed: cell.seed,
    cell: hash.slice(0, 16),
  };
}
