import { InputError } from '../../core/errors.ts';

/** Scores that stated policies get in an environment: the fixed ends of a normalised scale. */
export interface Anchors {
  /** Score of the policy that chooses at random: 0 on the normalised scale. */
  readonly random: number;
  /** Score of the best policy there is: 1 on the normalised scale. Above `random`. */
  readonly oracle: number;
}

/**
 * How far runs stay below the oracle: 1 - min(1, (score - random) / (oracle - random)) for each of them, whose
 * mean is the optimality gap (Agarwal et al. 2021). Anchors are stated beforehand, never the best observed.
 * @returns 0 at the oracle and above, 1 at the random policy, more below it; NaN if a score is.
 * @throws InputError when the oracle is not above the random policy.
 */
export function optimalityGaps(scores: readonly number[], { random, oracle }: Anchors): readonly number[] {
  if (!(Number.isFinite(random) && Number.isFinite(oracle) && oracle > random)) {
    throw new InputError(
      `anchors: random ${random} and oracle ${oracle} are not valid; valid: two numbers, the oracle's above`,
    );
  }
  return scores.map((score) => 1 - Math.min(1, (score - random) / (oracle - random)));
}
