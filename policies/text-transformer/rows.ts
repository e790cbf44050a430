import type { ActionRecord, Prompt } from '../policy.ts';

/** Whose tokens they are, for messages. */
const WHO = 'text-transformer policy';

/** The ids of a prompt. @throws Error when it has none, or ids that are not in the vocabulary. */
export function contextOf({ tokens }: Prompt, vocabularySize: number, who = WHO): Int32Array {
  if (tokens === undefined || tokens.length === 0) {
    throw new Error(`${who}: the prompt has no tokens; it needs at least one`);
  }
  checkIds(tokens, vocabularySize, who);
  return tokens;
}

/** @throws RangeError when one is not an id. */
export function checkIds(ids: ArrayLike<number>, vocabularySize: number, who = WHO): void {
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index]!;
    if (!(Number.isInteger(id) && id >= 0 && id < vocabularySize)) {
      throw new RangeError(`${who}: token ${index} is ${id}, not an id from 0 to ${vocabularySize - 1}`);
    }
  }
}

/** A row of the model's input. */
export interface TrainingRow {
  readonly ids: Int32Array;
  /** The positions that predict recorded tokens, in ascending order. */
  readonly scored: Int32Array;
  /** The recorded token after each scored position. */
  readonly targets: Int32Array;
}

/** Records as rows. */
export interface TrainingRows {
  /** In dictionary order of their ids, the last first: rows that begin alike stand side by side. */
  readonly rows: readonly TrainingRow[];
  /** For every record its row, and which of its scored positions belong to the record's tokens, in their order. */
  readonly places: readonly { readonly row: number; readonly scored: Int32Array }[];
}

/**
 * Joins records whose context and tokens begin another's into that one's row: a trajectory's turns are one row.
 * Only positions that predict a recorded token are scored, never those that predict an observation.
 */
export function trainingRows(records: readonly ActionRecord[], vocabularySize: number): TrainingRows {
  const whole = records.map(({ prompt, tokens }) => {
    const context = contextOf(prompt, vocabularySize);
    checkIds(tokens, vocabularySize);
    const ids = new Int32Array(context.length + tokens.length);
    ids.set(context);
    ids.set(tokens, context.length);
    return ids;
  });
  // In dictionary order a sequence that begins others stands right before one of them.
  const order = [...whole.keys()].sort((a, b) => compare(whole[a]!, whole[b]!) || a - b);
  const longest: number[] = [];
  const rowOf: number[] = [];
  for (let index = order.length - 1; index >= 0; index--) {
    const record = order[index]!;
    const joins = longest.length > 0 && begins(whole[record]!, whole[longest.at(-1)!]!);
    if (!joins) longest.push(record);
    rowOf[record] = longest.length - 1;
  }
  // Which positions of each row are scored, then how far along the scored ones each is.
  const ranks = longest.map((record) => new Int32Array(whole[record]!.length));
  const contextLength = (record: number): number => whole[record]!.length - records[record]!.tokens.length;
  for (const record of order) {
    ranks[rowOf[record]!]!.fill(1, contextLength(record) - 1, whole[record]!.length - 1);
  }
  const rows = longest.map((record, row) => {
    const ids = whole[record]!;
    const scored: number[] = [];
    for (const [position, marked] of ranks[row]!.entries()) {
      ranks[row]![position] = scored.length;
      if (marked === 1) scored.push(position);
    }
    const targets = Int32Array.from(scored, (position) => ids[position + 1]!);
    return { ids, scored: Int32Array.from(scored), targets };
  });
  const places = records.map(({ tokens }, record) => {
    const row = rowOf[record]!;
    // The tokens of a record stand side by side, and so do their scored positions.
    const from = tokens.length === 0 ? 0 : ranks[row]![contextLength(record) - 1]!;
    return { row, scored: Int32Array.from(tokens, (_, index) => from + index) };
  });
  return { rows, places };
}

/** Dictionary order; what begins another comes before it. */
function compare(a: Int32Array, b: Int32Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) {
    if (a[index] !== b[index]) return a[index]! - b[index]!;
  }
  return a.length - b.length;
}

const begins = (start: Int32Array, whole: Int32Array): boolean =>
  start.length <= whole.length && compare(start, whole.subarray(0, start.length)) === 0;
