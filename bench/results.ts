import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { InputError } from '../core/errors.ts';
import type { Row } from './cell.ts';
import { CELL_COLUMNS, METRIC_COLUMNS } from './columns.ts';
import { parseCsv } from './csv.ts';

/** One cell of a results folder. */
export interface StoredResult {
  readonly environment: string;
  readonly algorithm: string;
  readonly algorithmId: string;
  readonly seed: number;
  readonly status: 'finished' | 'failed' | 'missing';
  readonly fingerprint: string | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  /** Rows of METRIC_COLUMNS; empty unless finished. */
  readonly metrics: readonly Row[];
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
 * folder is told apart by the folder's name: 'grpo (monday)'.
 * @throws InputError naming the folder and file that is missing, damaged or of another version.
 */
export async function readResults(folders: readonly string[]): Promise<readonly StoredResult[]> {
  const runs = await Promise.all(folders.map(readFolder));
  const owners = new Map<string, Set<number>>();
  for (const [index, run] of runs.entries()) {
    for (const { environment, algorithm } of run) {
      const key = `${environment} ${algorithm}`;
      owners.set(key, (owners.get(key) ?? new Set()).add(index));
    }
  }
  return runs.flatMap((run, index) =>
    run.map((result) => {
      const isShared = owners.get(`${result.environment} ${result.algorithm}`)!.size > 1;
      return isShared
        ? { ...result, algorithm: `${result.algorithm} (${basename(resolve(folders[index]!))})` }
        : result;
    }),
  );
}

async function readFolder(folder: string): Promise<readonly StoredResult[]> {
  const wrong = (file: string, what: string): never => {
    throw new InputError(
      `${join(folder, file)}: ${what}; valid: an output folder of 'creditbench run' of this version`,
    );
  };
  const read = async (file: string): Promise<string> => {
    try {
      return await readFile(join(folder, file), 'utf8');
    } catch (error) {
      return wrong(file, `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
    }
  };
  const attempt = <Value>(file: string, parse: () => Value): Value => {
    try {
      return parse();
    } catch (error) {
      return wrong(file, (error as Error).message);
    }
  };
  const text = await read('suite.json');
  const json: unknown = attempt('suite.json', () => JSON.parse(text));
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return wrong('suite.json', `${issue.path.join('.') || 'content'}: ${issue.message}`);
  }
  const csv = await read('metrics.csv');
  const rows = attempt('metrics.csv', () => parseCsv([...CELL_COLUMNS, ...METRIC_COLUMNS], csv));
  return parsed.data.cells.map(({ cell, fingerprint, ...rest }) => ({
    ...rest,
    fingerprint,
    metrics: rows.filter((row) => String(row.cell) === cell && row.algorithm === rest.algorithm),
  }));
}
