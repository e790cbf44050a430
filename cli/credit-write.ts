import { rm } from 'node:fs/promises';
import { creditRecordSchema } from '../bench/trajectories/credit-record.ts';
import type { TrajectoryFile } from '../bench/trajectories/files/open.ts';
import type { RowFile } from '../bench/trajectories/files/row-file.ts';
import { createTextFile } from '../bench/trajectories/files/text-file.ts';
import { writeVerifiers } from '../bench/trajectories/readers/index.ts';
import type { CreditedTrajectory } from '../bench/trajectories/readers/verifiers/write.ts';
import { temporaryName } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { jsonLines } from '../envs/data/files/json-lines.ts';

/** What `--write` can be: rows of advantages, or the file itself with advantages in it. */
export const WRITES = ['own', 'verifiers'] as const;
export type Write = (typeof WRITES)[number];

/** @throws InputError when the output cannot be traces of verifiers. */
export function checkWrite(
  { write, out, format }: { readonly write: Write; readonly out?: string; readonly format?: string },
  methods: readonly string[],
): void {
  if (write === 'own') return;
  const refuse = (problem: string, valid: string): never => {
    throw new InputError(`--write ${write}: ${problem}; valid: ${valid}`);
  };
  if (methods.length !== 1) {
    refuse(`a trace has the advantages of one method, and --algorithm names ${methods.length}`, 'one');
  }
  if (!out?.endsWith('.jsonl')) refuse('it needs --out FILE', 'a file ending in .jsonl');
  if (format !== undefined && format !== write)
    refuse(`not valid with --format ${format}`, `--format ${write}`);
}

/**
 * Writes the traces that were read, with the advantages of rows in them.
 * @param rows the rows of one method, which are no longer needed after it.
 * @throws InputError when the file is not of that format.
 */
export async function writeTraces(
  file: TrajectoryFile,
  rows: RowFile,
  method: string,
  out: string,
  signal: AbortSignal,
): Promise<void> {
  const rowsPath = temporaryName(`${out}.rows`);
  const written = createTextFile(out);
  try {
    await rows.end(rowsPath);
    for await (const line of writeVerifiers(file.path, creditOf(rowsPath, method, signal), signal)) {
      await written.write(`${line}\n`);
    }
    await written.end(out);
  } finally {
    await written.discard();
    await rm(rowsPath, { force: true });
  }
}

async function* creditOf(
  path: string,
  method: string,
  signal: AbortSignal,
): AsyncGenerator<CreditedTrajectory> {
  for await (const { value } of jsonLines(path, signal)) {
    const { group, id, advantages } = creditRecordSchema.parse(value);
    yield { group, id, advantages: advantages[method] ?? [] };
  }
}
