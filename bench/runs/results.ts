import { resolve, sep } from 'node:path';
import type { Row } from '../cell.ts';
import { CELL_COLUMNS } from '../columns.ts';
import type { Declaration } from '../declaration.ts';
import { OLD_DECLARATION, parseMetrics } from './metrics-file.ts';
import { parseSuiteFile, RUN_FOLDER, readRunFile, refuseTwice, wrongRunFile } from './run-folder.ts';

/** One cell of a results folder. */
export interface StoredResult {
  readonly environment: string;
  /** Name as shown: that in the suite, with the folder where several have it. */
  readonly algorithm: string;
  /** Name in the suite. */
  readonly entry: string;
  readonly algorithmId: string;
  readonly seed: number;
  readonly status: 'finished' | 'failed' | 'missing';
  readonly fingerprint: string | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  /** First 16 digits of its hash: equal ones are the same cell, in whatever folder. */
  readonly cell: string;
  /** What its environment is scored by; undefined if no cell of it is finished. */
  readonly score: Declaration['score'] | undefined;
  /** Rows of `metricColumns`; empty unless finished. */
  readonly metrics: readonly Row[];
  /** Which of the folders it is in, from 0. */
  readonly run: number;
}

/**
 * Reads the results folders of `creditbench run`, one after the other. An algorithm that is in more than one
 * folder is told apart by the folder: 'grpo (monday)'.
 * @throws InputError naming the folder and file that is missing, damaged or of another version, or a folder that
 *   is given twice, if by a link.
 */
export async function readResults(folders: readonly string[]): Promise<readonly StoredResult[]> {
  await refuseTwice(folders);
  const paths = folders.map((folder) => resolve(folder));
  const runs = await Promise.all(folders.map(readFolder));
  const owners = new Map<string, Set<number>>();
  for (const [index, run] of runs.entries()) {
    for (const { environment, algorithm } of run) {
      const key = `${environment} ${algorithm}`;
      owners.set(key, (owners.get(key) ?? new Set()).add(index));
    }
  }
  const labels = shortLabels(paths);
  return runs.flatMap((results, run) =>
    results.map((result) => {
      const isShared = owners.get(`${result.environment} ${result.algorithm}`)!.size > 1;
      return {
        ...result,
        run,
        entry: result.algorithm,
        algorithm: isShared ? `${result.algorithm} (${labels[run]})` : result.algorithm,
      };
    }),
  );
}

/** The ends of different paths that tell all of them apart, as short as possible. */
export function shortLabels(paths: readonly string[]): readonly string[] {
  for (let length = 1; ; length++) {
    const labels = paths.map((path) => path.split(sep).slice(-length).join('/'));
    if (new Set(labels).size === paths.length) return labels;
  }
}

async function readFolder(folder: string): Promise<readonly Omit<StoredResult, 'run' | 'entry'>[]> {
  const suite = await readRunFile(folder, RUN_FOLDER.suite);
  const metrics = await readRunFile(folder, RUN_FOLDER.metrics);
  return parseRun(suite, metrics, (file, what) => wrongRunFile(folder, file, what));
}

/**
 * The cells of a run by the text of its suite.json and its metrics.csv.
 * @param wrong throws what is wrong with a file.
 */
export function parseRun(
  suite: string,
  csv: string,
  wrong: (file: string, what: string) => never,
): readonly Omit<StoredResult, 'run' | 'entry'>[] {
  const { cells, declarations } = parseSuiteFile(suite, (what) => wrong(RUN_FOLDER.suite, what));
  let rows: readonly Row[];
  try {
    rows = parseMetrics(CELL_COLUMNS, declarations && Object.values(declarations), csv);
  } catch (error) {
    return wrong(RUN_FOLDER.metrics, (error as Error).message);
  }
  const keyOf = (cell: unknown, algorithm: unknown): string => JSON.stringify([cell, algorithm].map(String));
  const byCell = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row.cell, row.algorithm);
    const known = byCell.get(key);
    if (known === undefined) byCell.set(key, [row]);
    else known.push(row);
  }
  const declared = new Map(Object.entries(declarations ?? {}));
  return cells.map(({ fingerprint, policy: _, ...rest }) => {
    const { cell, environment, algorithm, status } = rest;
    const metrics = byCell.get(keyOf(cell, algorithm)) ?? [];
    if (status === 'finished' && metrics.length === 0) {
      return wrong(RUN_FOLDER.metrics, `it has no rows of cell ${cell}, which suite.json calls finished`);
    }
    if (status === 'finished' && declarations !== undefined && !declared.has(environment)) {
      return wrong(RUN_FOLDER.suite, `declarations: ${environment} is missing, of which a cell is finished`);
    }
    const { score } = declarations === undefined ? OLD_DECLARATION : (declared.get(environment) ?? {});
    return { ...rest, fingerprint, metrics, score };
  });
}
