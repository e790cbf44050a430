import Table from 'cli-table3';
import { printableLines } from '../core/printable.ts';
import type { Layout } from './layout.ts';
import { displayWidth, wrapLine, wrapText } from './wrap.ts';

const ASCII = {
  top: '-',
  'top-mid': '+',
  'top-left': '+',
  'top-right': '+',
  bottom: '-',
  'bottom-mid': '+',
  'bottom-left': '+',
  'bottom-right': '+',
  left: '|',
  'left-mid': '+',
  mid: '-',
  'mid-mid': '+',
  right: '|',
  'right-mid': '+',
  middle: '|',
};

/** A column of a table on the command line. */
export interface TableColumn {
  /** What --columns calls it. */
  readonly name: string;
  /** What stands above it. Default: the name. */
  readonly title?: string;
  /** Stands at the right, and is not broken into lines while it need not be. */
  readonly number?: boolean;
  /**
   * Which columns come first when there is no room for all: those with lower numbers, and of equal ones the left.
   * 0: always shown. Default: 1.
   */
  readonly rank?: number;
  /** Whether it is only shown when --columns names it: it says nothing here. */
  readonly hidden?: boolean;
}

/** Wider than this a column of words is not made while another one is left out for it. */
const WORDS = 24;
/** No column of words gets narrower than this, unless the table would be too wide. */
const NARROW = 18;
/** Border and spaces beside a column. */
const FRAME = 3;

/**
 * A table as text, without colors, in lines of at most `layout.width` columns: titles go over several lines, columns of
 * low rank are left out and named in a line below, and what is still too wide goes over several lines. Plain ASCII
 * for files and pipes, box drawing for terminals. '' if --columns names none of these columns.
 */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  layout: Layout,
): string {
  const { ascii, wide, width } = layout;
  // Before the layout: what is taken out or put in changes the width.
  const plain = (text: string): string =>
    printableLines(ascii ? text.replaceAll('±', '+-') : text).replaceAll('\t', ' ');
  const all = columns.map(
    (column, index): Filled => ({
      ...column,
      title: plain(column.title ?? column.name),
      cells: rows.map((row) => plain(row[index] ?? '')),
    }),
  );
  const wanted = layout.columns;
  if (wanted !== undefined) {
    const chosen = wanted.flatMap((name) => all.filter((column) => column.name === name));
    return chosen.length === 0 ? '' : draw(chosen, width, ascii);
  }
  const useful = all.filter(({ hidden }) => hidden !== true);
  if (wide) return draw(useful, width, ascii);
  const shown = choose(useful, width);
  const left = useful.filter((column) => !shown.includes(column));
  if (left.length === 0) return draw(shown, width, ascii);
  const names = left.map(({ name }) => name);
  const note = `Not shown: ${names.join(', ')}. All columns: --wide; chosen ones: --columns ${shown[0]!.name},${names[0]}`;
  return `${draw(shown, width, ascii)}\n${wrapText(note, width)}`;
}

/** A column with its texts. */
interface Filled extends TableColumn {
  readonly title: string;
  readonly cells: readonly string[];
}

const widest = (texts: readonly string[]): number =>
  texts.reduce((most, text) => Math.max(most, displayWidth(text)), 0);
const linesOf = (texts: readonly string[]): readonly string[] => texts.flatMap((text) => text.split('\n'));
const wordsOf = (texts: readonly string[]): readonly string[] => texts.flatMap((text) => text.split(/\s+/));

/** The width at which nothing is broken. */
const natural = ({ title, cells }: Filled): number => Math.max(1, widest(linesOf([title, ...cells])));

/** The width at which it reads well: words of titles and numbers in one piece, texts in lines that are not too short. */
function comfortable({ title, cells, number }: Filled): number {
  const inCells = widest(linesOf(cells));
  return Math.max(widest(wordsOf([title])), number ? inCells : Math.min(inCells, WORDS), 1);
}

/** The width below which words are broken. */
const tight = ({ title, cells, number }: Filled): number =>
  Math.max(Math.min(widest(wordsOf([title, ...cells])), number ? WORDS : NARROW), 1);

const total = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width + FRAME, 1);

/** Those that fit, best ranks first, in the order of the table. */
function choose(columns: readonly Filled[], width: number): readonly Filled[] {
  const chosen = new Set<Filled>();
  for (const column of columns.toSorted((a, b) => (a.rank ?? 1) - (b.rank ?? 1))) {
    const fits = total([...chosen, column].map(comfortable)) <= width;
    if (fits || column.rank === 0 || chosen.size === 0) chosen.add(column);
  }
  return columns.filter((column) => chosen.has(column));
}

/** Widths that add up to the room that there is: from comfortable ones down to tight and broken ones, or up to natural ones. */
function widthsOf(columns: readonly Filled[], room: number): readonly number[] {
  const widths = columns.map(comfortable);
  for (const least of [columns.map(tight), columns.map(() => 4)]) {
    while (total(widths) > room) {
      const spare = widths.map((width, index) => width - least[index]!);
      const most = Math.max(...spare);
      if (most <= 0) break;
      widths[spare.indexOf(most)]!--;
    }
  }
  const wishes = columns.map(natural);
  for (let grown = true; grown; ) {
    grown = false;
    for (const [index, wish] of wishes.entries()) {
      if (widths[index]! >= wish || total(widths) >= room) continue;
      widths[index]!++;
      grown = true;
    }
  }
  return widths;
}

function draw(columns: readonly Filled[], room: number, ascii: boolean): string {
  const widths = room === Number.POSITIVE_INFINITY ? columns.map(natural) : widthsOf(columns, room);
  const fitted = (text: string, column: number): string =>
    text
      .split('\n')
      .flatMap((line) => wrapLine(line, widths[column]!, true))
      .join('\n');
  const table = new Table({
    head: columns.map(({ title }, index) => fitted(title, index)),
    colAligns: columns.map(({ number }) => (number ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
    ...(ascii ? { chars: ASCII } : {}),
  });
  const count = columns[0]!.cells.length;
  table.push(
    ...Array.from({ length: count }, (_, row) =>
      columns.map(({ cells }, index) => fitted(cells[row]!, index)),
    ),
  );
  return table.toString();
}
