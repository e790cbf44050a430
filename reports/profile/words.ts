import type { Interval } from '../../bench/stats/interval.ts';
import { html, type Markup } from '../html/markup.ts';
import { type Entry, formatNumber } from '../html/table.ts';

/** A p value: three decimals, and below those an inequality. */
export const sayP = (p: number): string => (p < 0.001 ? '< 0.001' : formatNumber(p, 3));

/** A number with its sign. */
export const signed = (value: number, digits: number): string =>
  `${formatNumber(value, digits) === formatNumber(0, digits) || value < 0 ? '' : '+'}${formatNumber(value, digits)}`;

/** A number with its interval below, for tables. */
export function withEnds(interval: Interval | null, say = formatNumber, digits = 3): Entry {
  if (interval === null) return { content: '–', sort: null };
  const { value, low, high } = interval;
  const ends: Markup =
    low === null || high === null
      ? html`no interval`
      : html`${formatNumber(low, digits)} to ${formatNumber(high, digits)}`;
  return { content: html`${say(value, digits)}<small>${ends}</small>`, sort: value };
}

/** 'one', 'one and two', 'one, two and three' */
export function list(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** '1 seed', '2 seeds' */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
