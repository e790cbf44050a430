import type { Row } from '../../bench/cell.ts';
import { type Content, html, type Markup } from './markup.ts';

/** A column of a table that people read and sort. */
export interface Head {
  readonly label: string;
  /** Said below the label. */
  readonly unit?: string;
  /** What the numbers mean, on hover. */
  readonly hint?: string;
}

/** What is in a cell, and what it sorts by where that is not its text. */
export interface Entry {
  readonly content: Content;
  readonly sort?: number | string | null;
}

/** Values that a table shows: numbers right, the rest left. */
export type Value = Entry | string | number | null;

/**
 * A table whose columns sort by buttons in its head. Numbers sort as numbers, and what is not known stands last.
 * @param caption names the table for those who cannot see where it stands.
 */
export function sortableTable(
  caption: string,
  heads: readonly Head[],
  rows: readonly (readonly Value[])[],
  rowAttributes: (index: number) => Content = () => null,
): Markup {
  const headCells = heads.map(
    ({ label, unit, hint }) => html`<th scope="col"${hint === undefined ? null : html` title="${hint}"`}>
<button type="button">${label}</button>${unit === undefined ? null : html`<small>${unit}</small>`}</th>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="sortable">
<caption>${caption}</caption><thead><tr>${headCells}</tr></thead><tbody>
${rows.map((row, index) => html`<tr${rowAttributes(index)}>${row.map((value, column) => tableCell(value, column === 0))}</tr>\n`)}</tbody></table></div>`;
}

function tableCell(value: Value, isFirst: boolean): Markup {
  const { content, sort }: Entry =
    value === null || typeof value !== 'object' ? { content: value ?? '–', sort: value } : value;
  const isNumber = typeof sort === 'number' || (typeof value === 'number' && sort !== null);
  const attributes = html`${isNumber ? html` class="number"` : null}${
    sort === undefined || sort === content ? null : html` data-sort="${sort === null ? '' : sort}"`
  }`;
  return isFirst
    ? html`<th scope="row"${attributes}>${content}</th>`
    : html`<td${attributes}>${content}</td>`;
}

/** A number with so many decimals, sorting by its full value; NaN says so, what is missing is a dash. */
export function decimal(value: Row[string] | undefined, digits: number, suffix = ''): Entry {
  if (typeof value !== 'number') return { content: '–', sort: null };
  return { content: `${formatNumber(value, digits)}${suffix}`, sort: value };
}

/** With so many decimals and a real minus sign; what is not finite in words. */
export function formatNumber(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value > 0 ? 'infinite' : 'minus infinite';
  return value
    .toFixed(digits)
    .replace(/^-(?=0(\.0*)?$)/, '')
    .replace('-', '−');
}
