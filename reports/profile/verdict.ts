import { type ProfileSummary, toldApart } from '../../bench/profile/summary.ts';
import { deviationAtMost, seedsNeeded } from '../../bench/stats/power.ts';
import { InputError } from '../../core/errors.ts';

/** Differences within this are taken for none: a twentieth of the way from the starting policy to the optimal one. */
export const MARGIN = 0.05;

/**
 * A method beside GRPO in one experiment. strong, weak: told apart, above or below. indifferent: not told apart, and
 * the whole interval of the difference is within `MARGIN` of 0. undecided: not told apart, and it may be larger.
 */
export type Verdict = 'strong' | 'weak' | 'indifferent' | 'undecided';

/** In the order in which they are shown. */
export const VERDICTS = ['strong', 'weak', 'indifferent', 'undecided'] as const satisfies readonly Verdict[];

/** @returns null if there is no difference: it is GRPO, or there is none to compare with. */
export function verdictOf(summary: ProfileSummary): Verdict | null {
  const { difference } = summary;
  if (difference === null) return null;
  const mark = toldApart(summary);
  if (mark !== 0) return mark > 0 ? 'strong' : 'weak';
  const { low, high } = difference;
  return low !== null && high !== null && low >= -MARGIN && high <= MARGIN ? 'indifferent' : 'undecided';
}

/** How many seeds it takes to tell a method apart from GRPO. Null where the number is not defined. */
export interface Power {
  /** To find a difference of `MARGIN`, with the deviation that the seeds of the run have. */
  readonly margin: number | null;
  /** The same with the deviation that so few seeds leave possible: its upper 80 % limit. */
  readonly marginAtMost: number | null;
  /** To find the difference that was seen. */
  readonly seen: number | null;
}

/** Differences below this are never marked. */
const NEVER = 0.01;

/**
 * Seeds with which the paired t test finds a difference in 80 % of all cases, at 5 % divided by the number of
 * comparisons: the hardest that Holm's adjustment asks.
 */
export function powerOf({ difference, deviation }: ProfileSummary, comparisons: number): Power {
  const none = { margin: null, marginAtMost: null, seen: null };
  // Scores that are equal in every seed are not a promise that seeds do not matter.
  if (difference === null || deviation === null || !(deviation > 1e-9)) return none;
  const alpha = 0.05 / Math.max(1, comparisons);
  const needed = (size: number, spread: number): number | null => {
    try {
      return seedsNeeded({ difference: size, deviation: spread, alpha });
    } catch (error) {
      if (error instanceof InputError) return null;
      throw error;
    }
  };
  return {
    margin: needed(MARGIN, deviation),
    marginAtMost: needed(MARGIN, deviationAtMost(deviation, difference.n)),
    seen: Math.abs(difference.value) < NEVER ? null : needed(difference.value, deviation),
  };
}
