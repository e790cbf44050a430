/**
 * Holm's step-down adjustment: p values that can be set against one level although several were tested.
 * @param ps each 0 to 1.
 * @returns adjusted p values in the same order, at most 1, at least as large as given.
 */
export function holm(ps: readonly number[]): readonly number[] {
  const order = [...ps.keys()].sort((a, b) => ps[a]! - ps[b]!);
  const adjusted = new Array<number>(ps.length);
  let highest = 0;
  for (const [rank, index] of order.entries()) {
    highest = Math.max(highest, Math.min(1, (ps.length - rank) * ps[index]!));
    adjusted[index] = highest;
  }
  return adjusted;
}

/** The same for tests of which some are not defined: those stay null and do not count. */
export function holmOfDefined(ps: readonly (number | null)[]): readonly (number | null)[] {
  const adjusted = holm(ps.flatMap((p) => p ?? []));
  let place = 0;
  return ps.map((p) => (p === null ? null : adjusted[place++]!));
}
