import type { ConfiguredAlgorithm } from '../../../algorithms/configured.ts';
import { InputError } from '../../../core/errors.ts';
import type { Random } from '../../../core/random.ts';
import { creditOf, type NoCredit, type TurnCredit } from '../credit.ts';
import { type GrownTree, growTree } from '../grow.ts';
import type { Merge } from '../merge.ts';
import type { PlacedTrajectory } from '../readers/reader.ts';
import type { Trajectory } from '../trajectory.ts';
import { CreditSpool } from './credit-spool.ts';
import { type FilePlan, planFile } from './file-plan.ts';
import type { CreditedTrajectory } from './row.ts';
import { type CreditSummary, Summing } from './summary.ts';

/** Groups that are normalised together if the file does not say. */
export const QUESTIONS = 128;
/** Bytes of trajectories that are held at once, at most. */
export const HOLD = 512 * 2 ** 20;

/**
 * A method by the name that it has in the rows.
 * @experimental
 */
export interface CreditMethod {
  readonly name: string;
  readonly algorithm: ConfiguredAlgorithm;
}

/**
 * Takes the credit of trajectories, in the order of the file.
 * @experimental
 */
export interface RowSink {
  write(row: CreditedTrajectory): Promise<void> | void;
}

/**
 * A group with all that methods say of it, to be shown.
 * @experimental
 */
export interface CreditedGroup {
  readonly question: string;
  readonly grown: GrownTree;
  readonly trajectories: readonly Trajectory[];
  /** By method: by trajectory and turn. */
  readonly credits: Readonly<Record<string, readonly (readonly TurnCredit[])[] | NoCredit>>;
}

/** Advantages of a batch that are kept for `onGroup`, at most: by all methods, in the order of the groups. */
const SHOWN = 2 ** 22;

/**
 * What is to be said of a file.
 * @experimental
 */
export interface FileCreditRequest {
  /** As messages call it. */
  readonly name: string;
  /** Its trajectories. Called twice: both times the same must come. */
  read(signal?: AbortSignal): AsyncIterable<PlacedTrajectory>;
  readonly methods: readonly CreditMethod[];
  /** What of trajectories that name no forks is shared. */
  readonly merge: Merge;
  /** Groups that are normalised together, if the file names no batches. Default: `QUESTIONS`. */
  readonly questions?: number;
  /** Bytes of trajectories that are held until their batch is complete, at most. Default: `HOLD`. */
  readonly hold?: number;
  /** Controls draw from it, and the sample of the summary. */
  readonly random: Random;
  /** Where rows go, and a file for those whose turn has not come. Default: nowhere. */
  readonly rows?: { readonly sink: RowSink; readonly spool: string };
  /** Called with groups, of every batch the first: those that have not more than 4 million advantages together. */
  readonly onGroup?: (group: CreditedGroup) => void;
  readonly signal?: AbortSignal;
  /** @param done trajectories; of a file that is read for the first time, nobody knows how many there are. */
  readonly onProgress?: (stage: 'reading' | 'crediting', done: number, of: number | undefined) => void;
}

/**
 * What methods say of the trajectories of a file, which may be larger than memory: it is read once to see which belong
 * together, and once more for their credit.
 * @returns the summary. The rows have then been written, in the order of the file.
 * @throws InputError when the file is not valid, more of it than `hold` would have to be held, or trajectories of a group
 * cannot be made a tree; the signal's reason when it is aborted.
 * @experimental
 */
export async function creditFile(
  request: FileCreditRequest,
): Promise<CreditSummary & { readonly hasBatches: boolean }> {
  const { name, questions = QUESTIONS, hold = HOLD, methods, random, rows, signal, onProgress } = request;
  const plan = await planFile(request.read(signal), {
    ...{ name, questions, hold, onProgress: (done) => onProgress?.('reading', done, undefined) },
    ...(signal === undefined ? {} : { signal }),
  });
  const summing = new Summing(
    methods.map((method) => method.name),
    random.split('summary'),
  );
  const spool = rows === undefined ? undefined : new CreditSpool(rows.spool, methods.length);
  try {
    await creditBatches(request, plan, summing, spool);
  } finally {
    await spool?.close();
  }
  return { ...summing.summary(), hasBatches: plan.hasBatches };
}

/** A trajectory that is held until its batch is complete. */
interface Held extends PlacedTrajectory {
  readonly row: number;
}

async function creditBatches(
  request: FileCreditRequest,
  plan: FilePlan,
  summing: Summing,
  spool: CreditSpool | undefined,
): Promise<void> {
  const { name, methods, rows, signal, onProgress } = request;
  const { groups, batches, groupOf, trajectories } = plan;
  const held = new Map<number, Held[]>();
  const missing = batches.map(({ members }) => members);
  /** Rows that have credit, of those that are not written. */
  const waiting = new Map<number, readonly [group: string, id: string]>();
  let [row, done, written] = [0, 0, 0];
  onProgress?.('crediting', 0, trajectories);
  const changed = (): InputError =>
    new InputError(`${name}: it changed while it was read; valid: a file that nobody writes`);
  for await (const placed of request.read(signal)) {
    signal?.throwIfAborted();
    const group = groupOf[row];
    if (group === undefined || groups[group]!.name !== placed.trajectory.group) throw changed();
    const members = held.get(group) ?? [];
    held.set(group, members);
    members.push({ ...placed, row });
    row++;
    const { batch } = groups[group]!;
    if (--missing[batch]! > 0) continue;

    const own = batches[batch]!.groups.map((index) => held.get(index)!);
    for (const index of batches[batch]!.groups) held.delete(index);
    await creditBatch(request, own, batch, summing, spool);
    done += batches[batch]!.members;
    onProgress?.('crediting', done, trajectories);
    if (spool === undefined) continue;
    for (const one of own.flat()) waiting.set(one.row, [one.trajectory.group, one.trajectory.id]);
    for (let next = waiting.get(written); next !== undefined; next = waiting.get(written)) {
      waiting.delete(written);
      const credits = await spool.take(written);
      const said = methods.flatMap((method, which) =>
        credits[which] === undefined ? [] : [[method.name, credits[which]] as const],
      );
      await rows!.sink.write({ group: next[0], id: next[1], credits: Object.fromEntries(said) });
      written++;
    }
  }
  if (row < trajectories) throw changed();
}

/** @param groups the trajectories of a batch, group by group. */
async function creditBatch(
  { name, methods, merge, random, onGroup, signal }: FileCreditRequest,
  groups: readonly (readonly Held[])[],
  batch: number,
  summing: Summing,
  spool: CreditSpool | undefined,
): Promise<void> {
  const grown = groups.map((members) => {
    try {
      return growTree(
        members.map(({ trajectory }) => trajectory),
        merge,
      );
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const [first, last] = [members[0]!, members.at(-1)!].map(({ at }) => at);
      throw new InputError(`${name}, ${first === last ? first : `${first} to ${last}`}: ${error.message}`);
    }
  });
  const shown = onGroup === undefined ? 0 : shownOf(grown, methods.length);
  const kept = grown.slice(0, shown).map(() => new Map<string, CreditedGroup['credits'][string]>());
  const credits: Float64Array[] = [];
  for (const [which, { name: method, algorithm }] of methods.entries()) {
    const said = creditOf(grown, algorithm, random.split('batch', batch));
    credits.push(summing.addMethod(which, grown, said));
    for (const [index, own] of kept.entries()) own.set(method, 'lacks' in said ? said : said.credits[index]!);
    if (spool !== undefined && !('lacks' in said)) {
      for (const [index, members] of groups.entries()) {
        for (const [member, { row }] of members.entries()) {
          await spool.put(row, which, said.credits[index]![member]!);
        }
      }
    }
    // A signal is only noticed between two pieces of work.
    await new Promise(setImmediate);
    signal?.throwIfAborted();
  }
  const names = groups.map((members) =>
    members.map(({ trajectory: { group, id }, at }) => ({ group, id, at })),
  );
  summing.endBatch(grown, credits, names);
  for (const [index, own] of kept.entries()) {
    const trajectories = groups[index]!.map(({ trajectory }) => trajectory);
    const { group, batch: given } = trajectories[0]!;
    const question = given === undefined ? group : `${group} (batch ${given})`;
    onGroup!({ question, grown: grown[index]!, trajectories, credits: Object.fromEntries(own) });
  }
}

/** How many of the groups have not too many advantages together; one at least. */
function shownOf(grown: readonly GrownTree[], methods: number): number {
  let numbers = 0;
  const found = grown.findIndex(({ tree }) => {
    for (const { tokens } of tree.edges) numbers += tokens.length * methods;
    return numbers > SHOWN;
  });
  return found === -1 ? grown.length : Math.max(1, found);
}
