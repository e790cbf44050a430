import type { Row } from '../../bench/cell.ts';
import type { Column } from '../../bench/columns.ts';
import { formatCsv } from '../../bench/csv.ts';
import { type Content, html, type Markup } from './markup.ts';

/** The numbers behind a figure. */
export interface FigureData {
  /** Name of the CSV file, without '.csv'. */
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** A figure with what it shows in words, its charts and its CSV one click away. */
export function figure(
  id: string,
  title: string,
  { says, charts, data }: { readonly says: Content; readonly charts: Content; readonly data: FigureData },
): Markup {
  return html`<figure id="${id}"><h3>${title}</h3>${charts}
<figcaption>${says} ${csvLink(data)}</figcaption></figure>`;
}

/** A link that saves the rows as a CSV file; the file is inside the page. */
export function csvLink({ name, columns, rows }: FigureData): Markup {
  const address = `data:text/csv;charset=utf-8,${encodeForAddress(formatCsv(columns, rows))}`;
  const units = columns.map((column) => `${column.name} (${column.unit}): ${column.description}`).join('\n');
  return html`<a class="csv" download="${name}.csv" href="${address}" title="${units}">CSV</a>`;
}

/** Percent-encodes what an address or an attribute cannot hold, and nothing else: most of a CSV stays as it is. */
function encodeForAddress(text: string): string {
  return text
    .replace(/[^A-Za-z0-9 ,.;:/()=_+-]/gu, (character) =>
      // What is half of a pair cannot be written in UTF-8.
      encodeURIComponent(/^[\ud800-\udfff]$/.test(character) ? '\ufffd' : character),
    )
    .replaceAll(' ', '%20');
}
