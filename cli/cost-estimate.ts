import type { Catalog } from '../bench/catalog/catalog.ts';
import type { CellContext, NamedCell } from '../bench/cell.ts';
import { type CostEstimate, estimateCell } from '../bench/training/estimate.ts';
import { groupBy } from '../core/group-by.ts';
import type { Layout } from './layout.ts';
import { renderTable, type TableColumn } from './table.ts';
import { tell } from './terminal.ts';
import { wrapText } from './wrap.ts';

/** Questions of the small iteration that an estimate is made from. */
export const QUESTIONS = 2;

/** An algorithm's cells in one environment, and what they would cost together. */
interface EstimatedCells extends CostEstimate {
  readonly environment: string;
  readonly algorithm: string;
  readonly cells: number;
}

export const ESTIMATE_COLUMNS: readonly TableColumn[] = [
  { name: 'environment', rank: 3 },
  { name: 'algorithm', rank: 0 },
  { name: 'cells', number: true, rank: 2 },
  { name: 'written', title: 'tokens written', number: true },
  { name: 'read', title: 'tokens read', number: true, rank: 3 },
  { name: 'read-once', title: 'read, prefixes once', number: true, rank: 2 },
  { name: 'trained', title: 'tokens trained', number: true },
  { name: 'hours', number: true, rank: 0 },
];

/**
 * What cells would cost, by environment and algorithm: two small iterations of each, on its first seed, scaled up.
 * @param questions of the small iteration.
 */
export async function estimateRun(
  cells: readonly NamedCell[],
  catalog: Catalog,
  context: CellContext,
  questions = QUESTIONS,
): Promise<readonly EstimatedCells[]> {
  const groups = [
    ...groupBy(cells, ({ cell, name }) => JSON.stringify([cell.environment.id, name])).values(),
  ];
  const entries: EstimatedCells[] = [];
  for (const group of groups) {
    const { cell, name } = group[0]!;
    tell(`estimating ${name} in ${cell.environment.id} (${entries.length + 1} of ${groups.length})\n`);
    const cost = times(await estimateCell(cell, catalog, context, questions), group.length);
    entries.push({ environment: cell.environment.id, algorithm: name, cells: group.length, ...cost });
  }
  return entries;
}

/** The estimate as a table, and what it rests on. */
export function estimateText(entries: readonly EstimatedCells[], layout: Layout): string {
  const rows = entries.map((one) => [
    one.environment,
    one.algorithm,
    String(one.cells),
    ...[one.writtenTokens, one.readTokens, one.readTokensShared, one.trainedTokens].map(amount),
    hours(one.seconds),
  ]);
  const all = hours(entries.reduce((sum, { seconds }) => sum + seconds, 0));
  const told = `In all ${all} hours, one cell after another, if a question takes as long as in a small iteration, and episodes stay as long as they are there. Many questions at once take less time each.`;
  return `${renderTable(ESTIMATE_COLUMNS, rows, layout)}\n${wrapText(told, layout.width)}\n`;
}

function times({ seconds, ...tokens }: CostEstimate, cells: number): CostEstimate {
  const counts = Object.entries(tokens).map(([name, count]) => [name, Math.round(count * cells)]);
  return { ...Object.fromEntries(counts), seconds: seconds * cells };
}

/** 1234567: 1.2 M */
function amount(tokens: number): string {
  if (tokens >= 1e9) return `${(tokens / 1e9).toFixed(1)} G`;
  if (tokens >= 1e6) return `${(tokens / 1e6).toFixed(1)} M`;
  return tokens >= 1e3 ? `${(tokens / 1e3).toFixed(1)} k` : String(Math.round(tokens));
}

function hours(seconds: number): string {
  const value = seconds / 3600;
  return value >= 10 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}
