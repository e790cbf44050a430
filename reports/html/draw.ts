import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { html, Markup } from './markup.ts';

/** Units of the drawing; pages scale it to their width. */
export const WIDTH = 480;

const { document } = parseHTML('<!doctype html><html><body></body></html>');

/**
 * One chart as inline SVG. Equal options give equal bytes. Strings from files must reach Plot as values of the
 * data, never as options: Plot reads an option that is a string as the name of a field.
 * @param label the text for screen readers.
 */
export function draw(label: string, { style, ...options }: Plot.PlotOptions): Markup {
  const drawn = Plot.plot({
    width: WIDTH,
    ...options,
    // A plain document will do; Plot's types ask for a browser's.
    document: document as never,
  }) as unknown as { readonly outerHTML: string };
  const text = drawn.outerHTML
    // Plot's own style is the same for all charts: the page has it once.
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/^<svg viewBox="([^"]*)"[^>]*>/, (_, box: string) => openTag(label, box))
    .replace(/<[a-z]+ [^>]*>/g, (tag) => (tag.startsWith('<svg') ? tag : slim(tag)));
  return Markup.trusted(text);
}

/** A tenth of a unit of the drawing is plenty for the screen; Plot's labels name marks, not what they mean. */
const slim = (tag: string): string =>
  tag
    .replace(/ aria-(hidden|label)="[^"]*"/g, '')
    .replace(/-?\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(1))));

const openTag = (label: string, box: string): string =>
  html`<svg role="img" aria-label="${label}" viewBox="${box}" font-size="11" fill="currentColor" text-anchor="middle">`
    .text;

/** A name cut to fit beside a chart; the whole name is in the hover text and in the tables. */
export function shorten(name: string, most = 22): string {
  const characters = [...name];
  return characters.length <= most ? name : `${characters.slice(0, most - 1).join('')}…`;
}

/** Room for such names at the left of a chart, in units of the drawing. */
export function leftMargin(names: readonly string[], most = 22): number {
  return 14 + 6.4 * Math.max(4, ...names.map((name) => [...shorten(name, most)].length));
}

/** From the least to the greatest finite value; a single value gets some room. Charts cut what no number covers. */
export function extent(values: readonly number[], room = 0.05): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  return low === high ? [low - room, high + room] : [low, high];
}
