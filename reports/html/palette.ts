/**
 * Eight colors, for light and for dark pages. They stay apart under normal sight and under simulated protanopia,
 * deuteranopia and (with less distance) tritanopia, and stand out from the page; the test says by how much.
 */
export const COLORS = [
  { light: '#0065b1', dark: '#3f8edf' },
  { light: '#d55d00', dark: '#ff7b22' },
  { light: '#01966c', dark: '#10bb76' },
  { light: '#ee60a6', dark: '#f799bc' },
  { light: '#9f4500', dark: '#f0c52f' },
  { light: '#3d9ae5', dark: '#7cc7ff' },
  { light: '#31232a', dark: '#d9e0cf' },
  { light: '#882255', dark: '#b05a90' },
] as const;

/** Colors of the page behind the charts. */
export const PAGE = { light: '#ffffff', dark: '#16181d' } as const;

/** Where colors run out, dashes go on: 8 colors times 4 patterns. */
const DASHES = ['none', '6 3', '2 3', '9 3 2 3'] as const;
/** Shapes of points go through 4 for the same reason. */
const SYMBOLS = ['circle', 'square', 'triangle', 'diamond2'] as const;

/** How an algorithm looks, the same in every chart of a report. */
export interface Look {
  /** Class of everything that belongs to it, for the highlight. */
  readonly className: string;
  /** CSS color that follows light and dark. */
  readonly color: string;
  readonly dash: string;
  readonly symbol: (typeof SYMBOLS)[number];
}

/** Looks of algorithms by their place in the order of the report, and from the 33rd on again from the first. */
export function look(index: number): Look {
  const round = Math.floor(index / COLORS.length) % DASHES.length;
  return {
    className: `a${index}`,
    color: `var(--c${index % COLORS.length})`,
    dash: DASHES[round]!,
    symbol: SYMBOLS[round]!,
  };
}
