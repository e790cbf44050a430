import { InputError } from '../../../core/errors.ts';
import type { PlacedTrajectory } from '../readers/reader.ts';
import type { Trajectory } from '../trajectory.ts';

/** Where something stands in a file. */
export interface Place {
  /** From 0. */
  readonly row: number;
  /** As people read it: 'line 12'. */
  readonly at: string;
}

/** A group of a file, before it is read again. */
export interface PlannedGroup {
  readonly name: string;
  readonly batch: number;
  readonly members: number;
  readonly first: Place;
  readonly last: Place;
}

/** What is normalised together. */
export interface PlannedBatch {
  /** What the field says; undefined if there is none. */
  readonly name: string | number | undefined;
  /** Indices of its groups, in the order in which they begin. */
  readonly groups: readonly number[];
  readonly members: number;
}

/** What is in a file. */
export interface FilePlan {
  readonly trajectories: number;
  readonly groups: readonly PlannedGroup[];
  readonly batches: readonly PlannedBatch[];
  /** Whether the file says what is normalised together. */
  readonly hasBatches: boolean;
  /** By row: index of the group. */
  readonly groupOf: Int32Array;
}

/** How a file is cut into batches, and how much of it is held. */
export interface PlanRequest {
  /** As messages call the file. */
  readonly name: string;
  /** Groups of a batch, if the file does not name batches. */
  readonly questions: number;
  /** Bytes of trajectories that are held until their batch is complete, at most. */
  readonly hold: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (trajectories: number) => void;
}

/**
 * Reads a file once, and says which trajectories belong together. Memory: some bytes a trajectory.
 * @throws InputError what a reader throws; when the file has no trajectories, some but not all of them name a batch, or more
 * of it than `hold` would have to be held.
 */
export async function planFile(
  records: AsyncIterable<PlacedTrajectory>,
  request: PlanRequest,
): Promise<FilePlan> {
  const { name: file, questions, hold, signal, onProgress } = request;
  const groups: { name: string; batch: number; members: number; first: Place; last: Place }[] = [];
  const batches: { name: string | number | undefined; groups: number[]; members: number }[] = [];
  const known = new Map<string | number | undefined, Map<string, number>>();
  const batchNames = new Map<string | number, number>();
  const rows: number[] = [];
  const sizes: number[] = [];
  const batchOf = (batch: string | number | undefined): number => {
    const found = batch === undefined ? undefined : batchNames.get(batch);
    if (found !== undefined) return found;
    const last = batches.length - 1;
    if (batch === undefined && last >= 0 && batches[last]!.groups.length < questions) return last;
    batches.push({ name: batch, groups: [], members: 0 });
    if (batch !== undefined) batchNames.set(batch, last + 1);
    return last + 1;
  };
  for await (const { trajectory, at } of records) {
    signal?.throwIfAborted();
    const row = rows.length;
    const place = { row, at };
    const { batch, group } = trajectory;
    if (row > 0 && (batch === undefined) !== (batches[0]!.name === undefined)) {
      const [without, having] = batch === undefined ? [at, groups[0]!.first.at] : [groups[0]!.first.at, at];
      throw new InputError(
        `${file}: ${having} has a batch, and ${without} has none; valid: all trajectories or none`,
      );
    }
    const inBatch = known.get(batch) ?? new Map<string, number>();
    known.set(batch, inBatch);
    let index = inBatch.get(group);
    if (index === undefined) {
      const to = batchOf(batch);
      index = groups.length;
      inBatch.set(group, index);
      groups.push({ name: group, batch: to, members: 0, first: place, last: place });
      batches[to]!.groups.push(index);
    }
    const found = groups[index]!;
    found.members++;
    found.last = place;
    batches[found.batch]!.members++;
    rows.push(index);
    sizes.push(heldBytes(trajectory));
    onProgress?.(rows.length);
  }
  if (rows.length === 0) throw new InputError(`${file}: no trajectories; valid: one at least`);
  const plan = {
    ...{ trajectories: rows.length, groups, batches, groupOf: Int32Array.from(rows) },
    hasBatches: batches[0]!.name !== undefined,
  };
  checkHeld(plan, sizes, file, hold);
  return plan;
}

/** About what a trajectory takes in memory, in bytes. */
export function heldBytes({ turns, question }: Trajectory): number {
  let bytes = 500 + (question?.length ?? 0);
  for (const turn of turns) {
    const { tokens, observation, text, logprobs, entropies, previous, reference, pieces, outputs } = turn;
    const arrays = [tokens, logprobs, entropies, previous, reference, observation?.tokens];
    bytes += 400 + (text?.length ?? 0) + (observation?.text?.length ?? 0) + 40 * (pieces?.length ?? 0);
    for (const array of arrays) bytes += 8 * (array?.length ?? 0);
    if (outputs !== undefined) bytes += 8 * tokens.length * Object.keys(outputs).length;
  }
  return bytes;
}

/** Goes through the rows as they will be held: a batch is let go when its last row has come. */
function checkHeld(plan: FilePlan, sizes: readonly number[], file: string, hold: number): void {
  const { groups, batches, groupOf } = plan;
  const held = new Float64Array(batches.length);
  const missing = batches.map(({ members }) => members);
  let whole = 0;
  let open = 0;
  for (const [row, group] of groupOf.entries()) {
    const { batch } = groups[group]!;
    held[batch]! += sizes[row]!;
    whole += sizes[row]!;
    if (whole > hold) throw new InputError(tooMuch(plan, file, hold, open));
    missing[batch]!--;
    if (missing[batch] === 0) whole -= held[batch]!;
    while (open < batches.length && missing[open] === 0) open++;
  }
}

/** @param open the first batch that is not complete. */
function tooMuch(
  { groups, batches, hasBatches }: FilePlan,
  file: string,
  hold: number,
  open: number,
): string {
  const own = batches[open]!.groups.map((index) => groups[index]!);
  const spread = ({ first, last, members }: PlannedGroup): number => last.row - first.row + 1 - members;
  const widest = own.reduce((most, group) => (spread(group) > spread(most) ? group : most));
  const most = `valid: at most ${Math.round(hold / 2 ** 20)} MiB (--hold)`;
  const limit = `${file}: more of it would have to be in memory at once than there is room for`;
  if (spread(widest) > 0) {
    return `${limit}: group '${widest.name}' has ${widest.members} trajectories, from ${widest.first.at} to ${widest.last.at}, and is held until it is complete; ${most}, with the trajectories of a group one after the other (sort the file by group)`;
  }
  const [first, last] = [own[0]!.first.at, own.reduce((a, b) => (b.last.row > a.last.row ? b : a)).last.at];
  return hasBatches
    ? `${limit}: batch '${batches[open]!.name}' goes from ${first} to ${last}, and is held until it is complete; ${most}, with the trajectories of a batch one after the other`
    : `${limit}: the ${own.length} groups from ${first} to ${last} are normalised together; ${most}, or fewer --questions`;
}
