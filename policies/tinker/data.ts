import type { Datum } from './client.ts';
import { padding } from './scaling.ts';

/** A row of tokens, and what is scored in it. */
export interface Row {
  readonly ids: Int32Array;
  /** The positions that predict scored tokens, in ascending order. */
  readonly scored: Int32Array;
}

/** A row as the server takes it, with no advantages yet. */
export function datumOf({ ids, scored }: Row): Datum {
  const weights = zeros(ids.length - 1);
  for (const at of scored) weights[at] = 1;
  return {
    tokens: [...ids.subarray(0, -1)],
    targets: [...ids.subarray(1)],
    weights,
    advantages: zeros(ids.length - 1),
    logProbs: zeros(ids.length - 1),
  };
}

/**
 * The datum whose loss `importance_sampling` has, where the log-probabilities are `logProbs`, the gradient `gradient` with
 * respect to them: the ratio is 1 there, and the advantage is minus the gradient.
 */
export function withGradient(
  datum: Datum,
  { scored }: Pick<Row, 'scored'>,
  gradient: Float64Array,
  logProbs: Float64Array,
): Datum {
  const advantages = [...datum.advantages];
  const old = [...datum.logProbs];
  for (const [index, at] of scored.entries()) {
    // -0 is no number that JSON keeps.
    advantages[at] = gradient[index] === 0 ? 0 : -gradient[index]!;
    old[at] = logProbs[index]!;
  }
  return { ...datum, advantages, logProbs: old };
}

const zeros = (length: number): number[] => new Array<number>(length).fill(0);

/** A request to the server: indices into the data, and how many sequences of no weight fill it up. */
export interface Batch {
  readonly members: readonly number[];
  readonly padding: number;
}

/**
 * Divides sequences into requests of at most `size`, the longest first, so that those of like length share one. Where a
 * server compiles every new shape, the number of sequences is filled up to a power of two.
 */
export function batches(
  data: readonly Pick<Datum, 'tokens'>[],
  size: number,
  fill: boolean,
): readonly Batch[] {
  const order = [...data.keys()].sort((a, b) => data[b]!.tokens.length - data[a]!.tokens.length || a - b);
  const result: Batch[] = [];
  for (let from = 0; from < order.length; from += size) {
    const members = order.slice(from, from + size);
    const whole = fill ? 2 ** Math.ceil(Math.log2(members.length)) : members.length;
    result.push({ members, padding: Math.min(whole, size) - members.length });
  }
  return result;
}

/** The sequences of a request. */
export const filled = (data: readonly Datum[], { members, padding: count }: Batch): readonly Datum[] => [
  ...members.map((index) => data[index]!),
  ...Array.from({ length: count }, () => padding(data[members[0]!]!.tokens[0]!)),
];
