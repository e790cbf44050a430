import type { Random } from '../../core/random.ts';

/**
 * Parameters that all rows of a table share, as the states of a neural policy do: they add sum_j shared_j phi_j to an
 * action's logit, where every phi_j is +1 or -1 over the root of their number, drawn from `random` by row and action. The
 * rows can still learn any policy; but whatever is trained in one state moves the others.
 */
export interface SharedOptions {
  readonly size: number;
  readonly random: Random;
}

/** Where a row's own logits lie in the flat vector, and the shared parameters' part in each, action by action. */
export interface SharedRow {
  readonly offset: number;
  readonly phi: Float64Array;
}

/** The phi of a row with so many actions; empty if nothing is shared. */
export function phiOf(shared: SharedOptions | undefined, row: string, actions: number): Float64Array {
  if (shared === undefined) return new Float64Array(0);
  const random = shared.random.split(row);
  const weight = 1 / Math.sqrt(shared.size);
  return Float64Array.from({ length: shared.size * actions }, () =>
    random.integer(2) === 0 ? weight : -weight,
  );
}

/** A row's logits with what the shared parameters, first in the flat vector, add to them. */
export function sharedLogits(own: Float64Array, phi: Float64Array, flat: Float64Array): Float64Array {
  const size = phi.length / own.length;
  if (size === 0) return own;
  return own.map((value, action) => {
    let logit = value;
    for (let j = 0; j < size; j++) logit += flat[j]! * phi[action * size + j]!;
    return logit;
  });
}

/** Adds to a gradient, in place, that of the shared parameters: it follows from that of the rows' logits. */
export function addSharedGradient(flat: Float64Array, rows: Iterable<SharedRow>, size: number): void {
  if (size === 0) return;
  for (const { offset, phi } of rows) {
    const actions = phi.length / size;
    for (let action = 0; action < actions; action++) {
      const partial = flat[offset + action]!;
      if (partial === 0) continue;
      for (let j = 0; j < size; j++) flat[j]! += partial * phi[action * size + j]!;
    }
  }
}
