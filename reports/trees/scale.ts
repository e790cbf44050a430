import { STEPS, stepClass } from '../profile/colors.ts';

/** Where the colors of a scale end. */
export interface Scale {
  /** The value with the full color, above 0. */
  readonly end: number;
  /** Whether there are values beyond. */
  readonly isOpen: boolean;
}

/** Share of the values that are not 0 that a scale tells apart: a few large ones must not make all others pale. */
const SHARE = 0.95;

/** A scale for values of both signs, NaN and 0 left aside. */
export function scaleOf(values: Iterable<number>): Scale {
  const sizes = Float64Array.from(
    [...values].filter((value) => Math.abs(value) > 0 && Number.isFinite(value)),
    Math.abs,
  ).sort();
  if (sizes.length === 0) return { end: 1, isOpen: false };
  const end = sizes[Math.min(sizes.length - 1, Math.ceil(SHARE * sizes.length) - 1)]!;
  return { end, isOpen: sizes.at(-1)! > end };
}

/** Class of a token that is not trained, or of which the file says nothing. */
export const UNTRAINED = 'u';

/**
 * The class of an advantage: untrained, exactly 0, or a step to either side. What is not 0 is never shown as 0.
 * The script of the page does the same.
 */
export function classOf(value: number, { end }: Scale): string {
  if (Number.isNaN(value)) return UNTRAINED;
  if (value === 0) return stepClass(0);
  const size = Math.max(1, Math.min(STEPS, Math.round((Math.abs(value) / end) * STEPS)));
  return stepClass(value < 0 ? -size : size);
}
