import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { InputError } from '../../core/errors.ts';
import { type Catalog, nameOfChoice } from '../catalog/catalog.ts';
import type { Cell, NamedCell } from '../cell.ts';
import { checkpointFiles } from './checkpoint.ts';

/**
 * Completes cells by the SHA-256 of every file that their options name (question files, corpora, checkpoints, published
 * models): a cell whose files have changed is another cell.
 * @throws InputError naming a file that cannot be read.
 */
export async function withInputs(
  cells: readonly NamedCell[],
  catalog: Catalog,
): Promise<readonly NamedCell[]> {
  const known = new Map<string, Promise<string>>();
  const digest = (file: string): Promise<string> => {
    const found = known.get(file) ?? hashFile(file);
    known.set(file, found);
    return found;
  };
  const result: NamedCell[] = [];
  for (const { name, cell } of cells) {
    const inputs = await inputsOf(cell, catalog, digest);
    result.push({ name, cell: Object.keys(inputs).length === 0 ? cell : { ...cell, inputs } });
  }
  return result;
}

/** What names files: an environment, a policy, and what it starts from. */
type NamesFiles = Pick<Cell, 'environment' | 'policy' | 'warmStart'>;

/**
 * The SHA-256 of every file that options name, by its name there.
 * @throws InputError naming a file that cannot be read.
 */
export async function inputsOf(
  from: NamesFiles,
  catalog: Catalog,
  digest: (file: string) => Promise<string> = hashFile,
): Promise<Readonly<Record<string, string>>> {
  const inputs: Record<string, string> = {};
  for (const [label, file] of await inputFiles(from, catalog)) inputs[label] = await digest(file);
  return inputs;
}

/**
 * Checks that the files that a cell has read are those of its identity.
 * @throws InputError naming a file that is another.
 */
export async function checkInputs(cell: Cell, catalog: Catalog): Promise<void> {
  for (const [label, file] of await inputFiles(cell, catalog)) {
    const expected = cell.inputs?.[label];
    if (expected !== undefined && (await hashFile(file)) !== expected) {
      throw new InputError(
        `${file} is not the file that the run began with: it has changed since, or is another on this machine`,
      );
    }
  }
}

/** Every file that is read: how the suite names it, and where it is. */
async function inputFiles(
  { environment, policy, warmStart: { checkpoint } }: NamesFiles,
  catalog: Catalog,
): Promise<(readonly [string, string])[]> {
  const data = catalog.environment(nameOfChoice(environment)).files?.(environment.options) ?? [];
  const model = (await catalog.policy(nameOfChoice(policy)).files?.(policy.options)) ?? [];
  const weights = checkpoint === undefined ? [] : checkpointFiles(checkpoint);
  return [
    ...[...data, ...model].map((file) => [file, file] as const),
    // Without the machine's own path: the same checkpoint gives the same cell everywhere.
    ...weights.map((file) => [`${checkpoint}:${file.split(/[\\/]/).at(-1)}`, file] as const),
  ];
}

/** SHA-256 of a file, which is read piece by piece. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    throw new InputError(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    );
  }
  return hash.digest('hex');
}
