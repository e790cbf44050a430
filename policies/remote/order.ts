/**
 * Groups contexts that begin alike, so that a server finds the beginning in its cache: those of a group share at least
 * half of the shorter one with the group's first. Groups and their members are in dictionary order.
 * @returns indexes.
 */
export function groupByPrefix(contexts: readonly ArrayLike<number>[]): readonly (readonly number[])[] {
  const order = contexts.map((_, index) => index);
  order.sort((a, b) => compare(contexts[a]!, contexts[b]!) || a - b);
  const groups: number[][] = [];
  for (const index of order) {
    const group = groups.at(-1);
    const context = contexts[index]!;
    const first = group === undefined ? undefined : contexts[group[0]!]!;
    const isNear =
      first !== undefined && 2 * sharedLength(first, context) >= Math.min(first.length, context.length);
    if (isNear) group!.push(index);
    else groups.push([index]);
  }
  return groups;
}

/**
 * What is done one after the other, for a server whose caches are those of its slots: a group stays together, so that its
 * beginning is read once and not in every slot. With fewer groups than slots, the largest are divided.
 * @param slots requests at the same time.
 */
export function chainsOf(
  groups: readonly (readonly number[])[],
  slots: number,
): readonly (readonly number[])[] {
  const chains = [...groups];
  while (chains.length < slots) {
    const longest = chains.reduce((best, chain, at) => (chain.length > chains[best]!.length ? at : best), 0);
    const chain = chains[longest];
    if (chain === undefined || chain.length < 2) break;
    const half = Math.ceil(chain.length / 2);
    chains.splice(longest, 1, chain.slice(0, half), chain.slice(half));
  }
  return chains;
}

function sharedLength(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const length = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < length && a[shared] === b[shared]) shared++;
  return shared;
}

function compare(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const shared = sharedLength(a, b);
  return (a[shared] ?? -1) - (b[shared] ?? -1);
}
