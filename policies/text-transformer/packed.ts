import { MICRO_BATCH_TOKENS } from '../transformer/batches.ts';
import type { TrainingRow } from './rows.ts';

/** Padding is at most so many times what the model reads. */
const MAXIMUM_SPREAD = 4;
const LENGTH_STEP = 8;

/**
 * Rows that go through the model together. What rows have in common at their beginning is read once; only
 * attention sees whole rows, padded to one length.
 */
export interface PackedBatch {
  /** Which of the rows, in the order of `scored`. */
  readonly members: readonly number[];
  /** Length of the padded rows. */
  readonly length: number;
  /** The tokens that are read, and the position of each in its row. */
  readonly ids: Int32Array;
  readonly positions: Int32Array;
  /** For every place in the padded rows, one row after the other, the token that stands there (0 in the padding). */
  readonly expand: Int32Array;
  /** For every token that is read, a place where it stands. */
  readonly compact: Int32Array;
  /** The tokens at the scored positions, by row. */
  readonly scored: Int32Array;
  /** The recorded token after each. */
  readonly targets: Int32Array;
}

/**
 * Groups rows that stand side by side. Rows in dictionary order (either way) share the most: there, what a row shares
 * with any before it, it shares with the last.
 */
export function packRows(rows: readonly TrainingRow[]): readonly PackedBatch[] {
  const groups: number[][] = [];
  let [read, length] = [0, 0];
  for (const [index, row] of rows.entries()) {
    if (row.scored.length === 0) continue;
    const group = groups.at(-1);
    const size = row.ids.length;
    const more = group === undefined ? size : size - sharedLength(rows[group.at(-1)!]!.ids, row.ids);
    const padded = Math.max(length, LENGTH_STEP * Math.ceil(size / LENGTH_STEP));
    const fits =
      group !== undefined &&
      read + more <= MICRO_BATCH_TOKENS &&
      (group.length + 1) * padded <= MAXIMUM_SPREAD * MICRO_BATCH_TOKENS;
    if (fits) {
      group.push(index);
      [read, length] = [read + more, padded];
    } else {
      groups.push([index]);
      [read, length] = [size, LENGTH_STEP * Math.ceil(size / LENGTH_STEP)];
    }
  }
  return groups.map((members) => pack(rows, members));
}

function pack(rows: readonly TrainingRow[], members: readonly number[]): PackedBatch {
  const longest = members.reduce((most, member) => Math.max(most, rows[member]!.ids.length), 0);
  const length = LENGTH_STEP * Math.ceil(longest / LENGTH_STEP);
  const expand = new Int32Array(members.length * length);
  const [ids, positions, compact, scored, targets]: number[][] = [[], [], [], [], []];
  for (const [index, member] of members.entries()) {
    const row = rows[member]!;
    const start = index * length;
    const shared = index === 0 ? 0 : sharedLength(rows[members[index - 1]!]!.ids, row.ids);
    expand.copyWithin(start, start - length, start - length + shared);
    for (let position = shared; position < row.ids.length; position++) {
      expand[start + position] = ids!.push(row.ids[position]!) - 1;
      positions!.push(position);
      compact!.push(start + position);
    }
    for (const position of row.scored) scored!.push(expand[start + position]!);
    for (const target of row.targets) targets!.push(target);
  }
  return {
    members,
    length,
    ids: Int32Array.from(ids!),
    positions: Int32Array.from(positions!),
    expand,
    compact: Int32Array.from(compact!),
    scored: Int32Array.from(scored!),
    targets: Int32Array.from(targets!),
  };
}

function sharedLength(a: Int32Array, b: Int32Array): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length++;
  return length;
}
