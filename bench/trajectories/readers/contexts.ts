/**
 * What is new in a whole context: what comes after all that was read and written before; the whole of it, if it does not
 * go on from there.
 * @param before ids that were read and written up to now.
 */
export function newTokens(
  before: readonly number[],
  context: readonly number[],
): { readonly tokens: readonly number[]; readonly continues: boolean } {
  const continues = before.length <= context.length && before.every((id, index) => context[index] === id);
  return { tokens: continues ? context.slice(before.length) : context, continues };
}

/** What is said when a context does not go on from the one before. */
export const REWRITTEN =
  'some contexts do not go on from the turn before (a history that was cut or rewritten): the whole context stands as what was read before that action';
