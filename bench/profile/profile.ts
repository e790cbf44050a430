import { InputError } from '../../core/errors.ts';
import { type Catalog, choose } from '../catalog/catalog.ts';
import { EXPERIMENTS } from './experiments.ts';
import { openUnits, readUnit, unitHash, writeUnit } from './store.ts';
import { type Effort, type ProfileUnit, profileUnit, runsOf, type UnitRequest } from './unit.ts';

/**
 * What a profile is over.
 * @experimental
 */
export interface ProfileRequest extends Effort {
  /** Names as the catalog knows them. */
  readonly algorithms: readonly string[];
  /** Their ids. Default: all. */
  readonly experiments?: readonly string[];
  /**
   * How many times GRPO also runs with other random numbers, as 'grpo again', 'grpo again 2' and so on: it must not be told
   * apart from itself. Default 0.
   */
  readonly again?: number;
}

/**
 * A unit with what it is of.
 * @experimental
 */
export interface ProfiledUnit extends ProfileUnit {
  readonly algorithm: string;
  readonly experiment: string;
}

/** @experimental */
export interface ProfileOptions {
  readonly signal?: AbortSignal;
  /** Called as work is done: runs that are finished, of all; those of units that were stored count as finished. */
  onProgress?(progress: { readonly done: number; readonly total: number; readonly what: string }): void;
  /** Folder where finished units are kept, and found again by all that their numbers depend on. Default: nowhere. */
  readonly out?: string;
  /** Who computes a unit, and how many at the same time. Default: this process, one. */
  readonly executor?: UnitExecutor;
}

/**
 * Computes units somewhere.
 * @experimental
 */
export interface UnitExecutor {
  readonly capacity: number;
  execute(unit: UnitRequest, onRun: () => void, signal: AbortSignal | undefined): Promise<ProfileUnit>;
}

/** What a comparison is with. */
export const BASELINE = 'grpo';
/** The baseline with other random numbers. */
export const AGAIN = `${BASELINE} again`;

/** Whether a name is that of GRPO with other random numbers. */
export const isAgain = (name: string): boolean => name === AGAIN || name.startsWith(`${AGAIN} `);

/**
 * What methods are good at: trains every algorithm in every experiment and compares its credit with the exact advantages.
 * GRPO is always among the algorithms, because the others are compared with it. Equal requests give equal results, with
 * any executor.
 * @returns units in the order of algorithms, then experiments.
 * @throws InputError when a name is not known, or an algorithm cannot be run where actions are listed; the signal's
 * reason when it is aborted.
 * @experimental
 */
export async function profile(
  request: ProfileRequest,
  catalog: Catalog,
  options: ProfileOptions = {},
): Promise<readonly ProfiledUnit[]> {
  const { signal, onProgress, out, executor = inProcess(catalog) } = options;
  const units = unitsOf(request, catalog);
  if (out !== undefined) await openUnits(out);
  const runs = (unit: UnitRequest): number => runsOf(experimentOf(unit.experiment), unit);
  const total = units.reduce((sum, unit) => sum + runs(unit), 0);
  let done = 0;
  const advance = (count: number, { name, experiment }: UnitRequest): void => {
    done += count;
    onProgress?.({ done, total, what: `${name} in ${experiment}` });
  };
  const results: ProfiledUnit[] = [];
  const compute = async (unit: UnitRequest): Promise<ProfileUnit> => {
    const hash = unitHash(unit);
    const stored = out === undefined ? undefined : await readUnit(out, hash);
    if (stored !== undefined) {
      advance(runs(unit), unit);
      return stored;
    }
    const result = await executor.execute(unit, () => advance(1, unit), signal);
    if (out !== undefined) await writeUnit(out, hash, unit, result);
    return result;
  };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < units.length) {
      signal?.throwIfAborted();
      const at = next++;
      const { name: algorithm, experiment } = units[at]!;
      try {
        results[at] = { algorithm, experiment, ...(await compute(units[at]!)) };
      } catch (error) {
        next = units.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, executor.capacity) }, work));
  return results;
}

/** This process computes, one unit at a time. */
function inProcess(catalog: Catalog): UnitExecutor {
  return {
    capacity: 1,
    execute: (unit, onRun, signal) => runUnit(unit, catalog, onRun, signal),
  };
}

/**
 * Computes a unit in this process.
 * @throws InputError naming the algorithm when it asks for what listed actions do not have, or answers what cannot be.
 */
export async function runUnit(
  { algorithm, experiment, name, ...effort }: UnitRequest,
  catalog: Catalog,
  onRun: () => void,
  signal?: AbortSignal,
): Promise<ProfileUnit> {
  const request = {
    ...effort,
    algorithm: catalog.algorithm(algorithm),
    experiment: experimentOf(experiment),
    ...(signal === undefined ? {} : { signal }),
  };
  try {
    return await profileUnit(request, onRun);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof InputError)) throw error;
    throw new InputError(`${name} in ${experiment}: ${error.message}`);
  }
}

function unitsOf(request: ProfileRequest, catalog: Catalog): readonly UnitRequest[] {
  const { seeds, quick, experiments = EXPERIMENTS.map(({ id }) => id) } = request;
  if (!Number.isInteger(seeds) || seeds < 2) {
    throw new InputError(`seeds is ${seeds}; valid: whole number of at least 2`);
  }
  for (const id of experiments) experimentOf(id);
  const names = [...new Set([BASELINE, ...request.algorithms])];
  const ids = names.map((name) => catalog.algorithm(name).id);
  const entries: Pick<UnitRequest, 'name' | 'algorithm' | 'choice' | 'noiseStream'>[] = names.map(
    (algorithm, index) => ({
      name: ids.indexOf(ids[index]!) === index ? ids[index]! : algorithm,
      algorithm,
      choice: choose(catalog, 'algorithm', algorithm),
    }),
  );
  for (let time = 1; time <= (request.again ?? 0); time++) {
    const number = time === 1 ? '' : ` ${time}`;
    entries.push({ ...entries[0]!, name: `${AGAIN}${number}`, noiseStream: `again${number}` });
  }
  return entries.flatMap((entry) =>
    [...new Set(experiments)].map((experiment) => ({ ...entry, experiment, seeds, quick })),
  );
}

/** @throws InputError that lists the ids. */
function experimentOf(id: string) {
  const found = EXPERIMENTS.find((experiment) => experiment.id === id);
  if (found === undefined) {
    throw new InputError(
      `unknown experiment '${id}'; valid: ${EXPERIMENTS.map((experiment) => experiment.id).join(', ')}`,
    );
  }
  return found;
}
