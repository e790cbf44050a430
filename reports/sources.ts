import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AUDIT_COLUMNS, AUDIT_COMPONENT_COLUMNS } from '../bench/audit/columns.ts';
import type { Row } from '../bench/cell.ts';
import { CELL_COLUMNS, type Column, TIMING_COLUMNS } from '../bench/columns.ts';
import {
  ABLATION_COLUMNS,
  CORRELATED_COLUMNS,
  DIFFERENCE_COLUMNS,
  ENTROPY_COLUMNS,
  GROUP_COLUMNS,
  HISTOGRAM_COLUMNS,
  PREDICTION_COLUMNS,
  SAMPLING_COLUMNS,
  TRAINING_COLUMNS,
} from '../bench/criticality/columns.ts';
import type { CriticalityTables } from '../bench/criticality/tables.ts';
import { parseCsv } from '../bench/csv.ts';
import { readResults, type StoredResult, shortLabels } from '../bench/runs/results.ts';
import { RUN_FOLDER, readSuiteFile, refuseTwice } from '../bench/runs/run-folder.ts';
import { readFailure } from '../bench/runs/storage.ts';
import { readBoundedText } from '../core/bounded-file.ts';
import { InputError } from '../core/errors.ts';
import { groupBy } from '../core/group-by.ts';

/** A cell of a run with what only a report needs. */
export interface ReportCell extends StoredResult {
  readonly policy: string;
  /** Rows of TIMING_COLUMNS; empty unless finished. */
  readonly timings: readonly Row[];
  /** Why it failed, where that was recorded. */
  readonly error: string | undefined;
}

/** A run as its folder describes it. */
export interface RunRecord {
  /** The shortest end of the folder's path that no other folder has. */
  readonly folder: string;
  /** Version of creditbench that wrote it, if recorded. */
  readonly version: string | undefined;
  /** The suite as written in suite.json, if recorded: not checked, so that old folders can be read. */
  readonly suite: Readonly<Record<string, unknown>> | undefined;
}

/** What `creditbench audit --out` left. */
export interface AuditRecord {
  /** The shortest end of the folder's path that no other folder has. */
  readonly folder: string;
  /** Rows of AUDIT_COLUMNS. */
  readonly audits: readonly Row[];
  /** Rows of AUDIT_COMPONENT_COLUMNS. */
  readonly components: readonly Row[];
}

/** What `creditbench criticality --out` left: all tables but the states. */
export interface CriticalityRecord {
  /** The shortest end of the folder's path that no other folder has. */
  readonly folder: string;
  readonly tables: CriticalityTables;
}

/** Everything that a report is made of. */
export interface Sources {
  readonly runs: readonly RunRecord[];
  readonly cells: readonly ReportCell[];
  readonly audits: readonly AuditRecord[];
  readonly criticality: readonly CriticalityRecord[];
}

/** The tables of a measurement of criticality that a report shows, by name. */
export const CRITICALITY_COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  histogram: HISTOGRAM_COLUMNS,
  'entropy-histogram': ENTROPY_COLUMNS,
  prediction: PREDICTION_COLUMNS,
  groups: GROUP_COLUMNS,
  sampling: SAMPLING_COLUMNS,
  training: TRAINING_COLUMNS,
  ablation: ABLATION_COLUMNS,
  'ablation-difference': DIFFERENCE_COLUMNS,
  correlated: CORRELATED_COLUMNS,
};
/** These are always there; the others depend on what was asked for. */
const CRITICALITY_ALWAYS = ['histogram', 'entropy-histogram', 'prediction', 'groups'];

/**
 * Reads the folders of a report: any number of runs, audits and criticality measurements, each known by its files.
 * @throws InputError naming the folder and file that is missing, damaged or of another version, a folder that is
 *   given twice, or folders without a single run, audit or measurement.
 */
export async function readSources(folders: readonly string[]): Promise<Sources> {
  await refuseTwice(folders);
  const kinds = folders.map((folder) => ({ folder, kind: kindOf(folder) }));
  const of = (kind: ReturnType<typeof kindOf>) =>
    kinds.flatMap((entry) => (entry.kind === kind ? [entry.folder] : []));
  const runFolders = of('run');
  const results = await readResults(runFolders);
  const runs = await Promise.all(runFolders.map(readRun));
  const extras = runs.flatMap(({ cells }) => cells);
  // A page that is passed on should not say in which folder it was made.
  const labels = shortLabels(folders.map((folder) => resolve(folder)));
  const label = (folder: string): string => labels[folders.indexOf(folder)]!;
  return {
    runs: runs.map(({ cells: _, ...record }) => ({ ...record, folder: label(record.folder) })),
    cells: results.map((result, index) => ({ ...result, ...extras[index]! })),
    audits: (await Promise.all(of('audit').map(readAudit))).map((one) => ({
      ...one,
      folder: label(one.folder),
    })),
    criticality: (await Promise.all(of('criticality').map(readCriticality))).map((one) => ({
      ...one,
      folder: label(one.folder),
    })),
  };
}

function kindOf(folder: string): 'run' | 'audit' | 'criticality' {
  const has = (file: string): boolean => existsSync(join(folder, file));
  if (has(RUN_FOLDER.suite)) return 'run';
  if (has('audit.csv')) return 'audit';
  if (has('prediction.csv') && has('histogram.csv')) return 'criticality';
  throw new InputError(
    `results: ${folder} has neither suite.json, audit.csv nor prediction.csv; valid: output folders of 'creditbench run', 'audit' or 'criticality'`,
  );
}

type Extras = Pick<ReportCell, 'policy' | 'timings' | 'error'>;

async function readRun(folder: string): Promise<RunRecord & { readonly cells: readonly Extras[] }> {
  const file = await readSuiteFile(folder);
  const timings = groupBy(await readTimings(folder), (row) =>
    JSON.stringify([String(row.cell), String(row.algorithm)]),
  );
  const cells = await Promise.all(
    file.cells.map(async ({ cell, algorithm, policy = 'not recorded', status }) => ({
      policy,
      timings: timings.get(JSON.stringify([cell, algorithm])) ?? [],
      // The folder may have been copied without its cells.
      error: status === 'failed' ? (await readFailure(folder, cell))?.error.message : undefined,
    })),
  );
  return { folder, version: file.creditbench, suite: file.suite, cells };
}

/** Seconds are optional: without them the report says so. */
async function readTimings(folder: string): Promise<readonly Row[]> {
  if (!existsSync(join(folder, RUN_FOLDER.timings))) return [];
  return readTable(folder, RUN_FOLDER.timings, [...CELL_COLUMNS, ...TIMING_COLUMNS]);
}

async function readAudit(folder: string): Promise<AuditRecord> {
  return {
    folder,
    audits: await readTable(folder, 'audit.csv', AUDIT_COLUMNS),
    components: await readTable(folder, 'audit_components.csv', AUDIT_COMPONENT_COLUMNS),
  };
}

async function readCriticality(folder: string): Promise<CriticalityRecord> {
  const names = Object.keys(CRITICALITY_COLUMNS).filter(
    (name) => CRITICALITY_ALWAYS.includes(name) || existsSync(join(folder, `${name}.csv`)),
  );
  const tables = await Promise.all(
    names.map(async (name) => {
      const columns = CRITICALITY_COLUMNS[name]!;
      return [name, { columns, rows: await readTable(folder, `${name}.csv`, columns) }] as const;
    }),
  );
  return { folder, tables: Object.fromEntries(tables) };
}

async function readTable(folder: string, file: string, columns: readonly Column[]): Promise<readonly Row[]> {
  try {
    return parseCsv(columns, await readBoundedText(join(folder, file)));
  } catch (error) {
    throw new InputError(
      `${join(folder, file)}: ${(error as Error).message}; valid: an output folder of this version of creditbench`,
    );
  }
}
