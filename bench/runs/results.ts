import { join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { readBoundedText, readProblem } from '../../core/bounded-file.ts';
import { InputError } from '../../core/errors.ts';
import type { Row } from '../cell.ts';
import { CELL_COLUMNS, METRIC_COLUMNS } from '../columns.ts';
import { parseCsv } from '../csv.ts';

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
  /** Rows of METRIC_COLUMNS; empty unless finished. */
  readonly metrics: readonly Row[];
  /** Which of the folders it is in, from 0. */
  readonly run: number;
}

const fileSchema = z.object({
  cells: z.array(
    z.object({
      environment: z.string(),
      algorithm: z.string(),
      algorithmId: z.string(),
      seed: z.int(),
      cell: z.string(),
      status: z.enum(['finished', 'failed', 'missing']),
      fingerprint: z.string().optional(),
      options: z.record(z.string(), z.unknown()),
    }),
  ),
});

/**
 * Reads the results folders of `creditbench run`, one after the other. An algorithm that is in more than one
 * folder is told apart by the folder: 'grpo (monday)'.
 * @throws InputError naming the folder and file that is missing, damaged or of another version, or a folder that
 *   is given twice.
 */
export async function readResults(folders: readonly string[]): Promise<readonly StoredResult[]> {
  const paths = folders.map((folder) => resolve(folder));
  for (const [index, path] of paths.entries()) {
    if (paths.indexOf(path) < index) {
      throw new InputError(`results: ${folders[index]} is given twice; valid: different folders`);
    }
  }
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
  const wrong = (file: string, what: string): never => {
    throw new InputError(
      `${join(folder, file)}: ${what}; valid: an output folder of 'creditbench run' of this version`,
    );
  };
  const read = async (file: string): Promise<string> => {
    try {
      return await readBoundedText(join(folder, file));
    } catch (error) {
      return wrong(file, `cannot be read (${readProblem(error)})`);
    }
  };
  return parseRun(await read('suite.json'), await read('metrics.csv'), wrong);
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
  const attempt = <Value>(file: string, parse: () => Value): Value => {
    try {
      return parse();
    } catch (error) {
      return wrong(file, (error as Error).message);
    }
  };
  const json: unknown = attempt('suite.json', () => JSON.parse(suite));
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return wrong('suite.json', `${issue.path.join('.') || 'content'}: ${issue.message}`);
  }
  const rows = attempt('metrics.csv', () => parseCsv([...CELL_COLUMNS, ...METRIC_COLUMNS], csv));
  const keyOf = (cell: unknown, algorithm: unknown): string => JSON.stringify([cell, algorithm].map(String));
  const byCell = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row.cell, row.algorithm);
    const known = byCell.get(key);
    if (known === undefined) byCell.set(key, [row]);
    else known.push(row);
  }
  return parsed.data.cells.map(({ cell, fingerprint, ...rest }) => {
    const metrics = byCell.get(keyOf(cell, rest.algorithm)) ?? [];
    if (rest.status === 'finished' && metrics.length === 0) {
      return wrong('metrics.csv', `it has no rows of cell ${cell}, which suite.json calls finished`);
    }
    return { ...rest, fingerprint, metrics };
  });
}
