import { PAGE } from '../html/palette.ts';

/** Steps of the scale to either side of 0. */
export const STEPS = 8;
/** How much of the full color the last step has: numbers stay legible on it. */
const MOST = 0.6;

/** Blue above 0 and orange below: apart for every sight. The darker, the farther from 0. */
const HUES = {
  above: { light: '#0065b1', dark: '#3f8edf' },
  below: { light: '#d55d00', dark: '#ff7b22' },
} as const;

/** The step of a value between -1 and 1; values beyond are at the ends. Null if it is not a number. */
export function stepOf(value: number): number | null {
  if (Number.isNaN(value)) return null;
  // No -0: it would name another class.
  return Math.round(Math.max(-1, Math.min(1, value)) * STEPS) + 0;
}

/** Class of a step. */
export const stepClass = (step: number): string => (step < 0 ? `n${-step}` : `p${step}`);

/** All steps, from the lowest. */
export const ALL_STEPS = Array.from({ length: 2 * STEPS + 1 }, (_, index) => index - STEPS);

/** Color of a step, as #rrggbb: the color of the page mixed with the hue. */
export function stepColor(step: number, scheme: 'light' | 'dark'): string {
  const share = (Math.abs(step) / STEPS) * MOST;
  return mixed(PAGE[scheme], HUES[step < 0 ? 'below' : 'above'][scheme], share);
}

/** A color between two, as #rrggbb. @param share of the second. */
export function mixed(one: string, other: string, share: number): string {
  const channels = [1, 3, 5].map((at) => {
    const [from, to] = [one, other].map((color) => Number.parseInt(color.slice(at, at + 2), 16));
    return Math.round(from! + share * (to! - from!));
  });
  return `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}
