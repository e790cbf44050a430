import { MICRO_BATCH_TOKENS } from '../llama/gradient.ts';
import type { Paths } from '../tensor/layout.ts';
import type { TrainingRow } from './rows.ts';

/** Rows are together at most so many times as long as what is read of them: backends without a kernel lay them out. */
const MAXIMUM_SPREAD = 16;

/** Rows that go through the model together. What rows have in common at their beginning is read once. */
export interface PackedBatch {
  /** Which of the rows, in the order of `scored`. */
  readonly members: readonly number[];
  /** Length of the longest row. */
  readonly length: number;
  /** The tokens that are read, and the position of each in its row. */
  readonly ids: Int32Array;
  readonly positions: Int32Array;
  /** How attention reads them: one run per row, the tokens that it does not share with the row before. */
  readonly paths: Paths;
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
  let [read, laidOut] = [0, 0];
  for (const [index, row] of rows.entries()) {
    if (row.scored.length === 0) continue;
    const group = groups.at(-1);
    const size = row.ids.length;
    const more = group === undefined ? size : size - sharedLength(rows[group.at(-1)!]!.ids, row.ids);
    const fits =
      group !== undefined &&
      read + more <= MICRO_BATCH_TOKENS &&
      laidOut + size <= MAXIMUM_SPREAD * MICRO_BATCH_TOKENS;
    if (fits) {
      group.push(index);
      [read, laidOut] = [read + more, laidOut + size];
    } else {
      groups.push([index]);
      [read, laidOut] = [size, size];
    }
  }
  return groups.map((members) => pack(rows, members));
}

function pack(rows: readonly TrainingRow[], members: readonly number[]): PackedBatch {
  const [ids, positions, path, scored, targets]: number[][] = [[], [], [], [], []];
  const [firsts, queries, lengths] = [0, 1, 2].map(() => new Int32Array(members.length)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  /** Where the row before begins in `path`. */
  let before = 0;
  for (const [index, member] of members.entries()) {
    const row = rows[member]!;
    const start = path!.length;
    const shared = index === 0 ? 0 : sharedLength(rows[members[index - 1]!]!.ids, row.ids);
    firsts[index] = ids!.length;
    queries[index] = row.ids.length - shared;
    lengths[index] = row.ids.length;
    for (let position = 0; position < shared; position++) path!.push(path![before + position]!);
    for (let position = shared; position < row.ids.length; position++) {
      path!.push(ids!.push(row.ids[position]!) - 1);
      positions!.push(position);
    }
    for (const position of row.scored) scored!.push(path![start + position]!);
    for (const target of row.targets) targets!.push(target);
    before = start;
  }
  return {
    members,
    length: lengths.reduce((most, length) => Math.max(most, length), 0),
    ids: Int32Array.from(ids!),
    positions: Int32Array.from(positions!),
    paths: { firsts, queries, lengths, tokens: Int32Array.from(path!) },
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
