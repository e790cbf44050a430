/** What an entropy is, where only the most likely tokens are known. */
export interface EntropyBounds {
  /** Nats. */
  readonly lower: number;
  readonly upper: number;
}

/** Which entropy is recorded: a bound, or the middle of both. */
export type EntropyChoice = 'lower' | 'middle' | 'upper';

/** -p log p. */
const share = (p: number): number => (p > 0 ? -p * Math.log(p) : 0);

/**
 * Bounds of a distribution's entropy from its most likely outcomes. The rest of the probability belongs to other outcomes,
 * none of which is likelier than the last of those: spread evenly over all of them it gives the most entropy, and put
 * into as few as can hold it the least. Equal, and the entropy itself, if all outcomes are known or nothing is left.
 * @param top log-probabilities of the most likely outcomes, the first first; at least one.
 * @param size outcomes in all, at least as many as `top` has.
 * @param also log-probability of one more known outcome that is not among `top`.
 */
export function entropyBounds(top: readonly number[], size: number, also?: number): EntropyBounds {
  const known = top.map(Math.exp);
  const cap = known.at(-1)!;
  const extra = also === undefined ? [] : [Math.exp(also)];
  const all = [...known, ...extra];
  const entropy = all.reduce((sum, p) => sum + share(p), 0);
  const rest = 1 - all.reduce((sum, p) => sum + p, 0);
  const others = size - all.length;
  // Log-probabilities come in float32.
  if (rest <= 1e-6 || others <= 0) return { lower: entropy, upper: entropy };
  const whole = Math.min(others - 1, Math.floor(rest / cap));
  return {
    lower: entropy + whole * share(cap) + share(rest - whole * cap),
    upper: entropy + others * share(rest / others),
  };
}

/** The entropy to record. */
export function chosenEntropy({ lower, upper }: EntropyBounds, choice: EntropyChoice): number {
  return choice === 'middle' ? (lower + upper) / 2 : choice === 'lower' ? lower : upper;
}
