import type { Row } from '../bench/cell.ts';
import type { CriticalityTables } from '../bench/criticality/tables.ts';
import { printable } from '../core/printable.ts';
import type { Layout } from './layout.ts';
import { renderTable, type TableColumn } from './table.ts';
import { wrapText } from './wrap.ts';

const numbers = (rank: number, ...names: readonly string[]): readonly TableColumn[] =>
  names.map((name) => ({ name, title: name.replaceAll('_', ' '), number: true, rank }));

const GROUPS: readonly TableColumn[] = [
  { name: 'by', rank: 0 },
  { name: 'group', rank: 0 },
  { name: 'states', number: true, rank: 0 },
  { name: 'criticality', number: true, rank: 0 },
  { name: 'zero_share', title: 'about 0', number: true, rank: 2 },
  { name: 'high_share', title: 'high', number: true, rank: 1 },
  { name: 'entropy', number: true, rank: 3 },
];
const PREDICTION: readonly TableColumn[] = [
  { name: 'by', rank: 0 },
  { name: 'brunner_munzel_p', title: 'BM p', number: true, rank: 1 },
  { name: 'cliffs_delta', title: "Cliff's delta", number: true, rank: 2 },
  { name: 'auc', title: 'ROC AUC', number: true, rank: 0 },
  { name: 'pearson', title: 'Pearson', number: true, rank: 4 },
  { name: 'spearman', title: 'Spearman', number: true, rank: 3 },
  { name: 'false_positive', title: 'false pos.', number: true, rank: 1 },
  { name: 'false_negative', title: 'false neg.', number: true, rank: 1 },
];
const TRAINING: readonly TableColumn[] = [
  ...numbers(0, 'iteration'),
  { name: 'set', rank: 0 },
  { name: 'uncertainty', rank: 0 },
  ...numbers(0, 'criticality'),
  ...numbers(1, 'high_share'),
  ...numbers(2, 'rose_early', 'rose_late'),
  ...numbers(1, 'spearman', 'auc'),
];
const ABLATION = numbers(0, 'seeds', 'difference', 'half_width');
const CORRELATED: readonly TableColumn[] = [
  ...numbers(0, 'initial', 'forks'),
  { name: 'entropy', rank: 0 },
  ...numbers(0, 'rho', 'slope'),
  ...numbers(1, 'slope_error', 'rmse', 'zero_share'),
];

/** What --columns can name: the columns of all tables. */
export const CRITICALITY_NAMES: readonly string[] = [
  ...new Set([GROUPS, PREDICTION, TRAINING, ABLATION, CORRELATED].flat().map(({ name }) => name)),
];

/** All tables but that of the states, with headings. */
export function criticalityText(tables: CriticalityTables, layout: Layout): string {
  const rows = (name: string): readonly Row[] => tables[name]?.rows ?? [];
  const groups = rows('groups').filter(({ by }) => by !== 'likely move');
  const shown = (
    heading: string,
    columns: readonly TableColumn[],
    from: readonly Row[],
    cell: (row: Row, name: string) => string = (row, name) => number(row[name]),
  ): readonly string[] => {
    const body = from.map((row) => columns.map(({ name }) => cell(row, name)));
    const table = from.length === 0 ? '' : renderTable(columns, body, layout);
    return table === '' ? [] : [wrapText(heading, layout.width), table];
  };
  const parts = [
    // The file also has the likely moves.
    ...shown(
      'Criticality of states, by depth and by move (mean and standard error over questions)',
      GROUPS,
      groups,
      (row, name) =>
        ['by', 'group', 'states'].includes(name) ? printable(String(row[name])) : withError(row, name),
    ),
    ...shown(
      'How well uncertainty predicts high criticality (error rates on held-out questions)',
      PREDICTION,
      rows('prediction'),
      (row, name) => {
        if (name === 'by') return String(row.uncertainty);
        if (name !== 'brunner_munzel_p') return withError(row, name);
        return typeof row[name] === 'number' && row[name] < 0.001 ? '< 0.001' : number(row[name]);
      },
    ),
    ...rows('sampling').map((row) =>
      wrapText(
        `${row.samples} sampled actions per state: mean criticality ${number(row.sampled)}, expected ${number(row.expected)} ± ${number(row.standard_error)} (z ${number(row.z, 2)}); exact ${number(row.exact)}.\nAbout 0 by samples ${number(row.sampled_zero_share)}, exactly ${number(row.exact_zero_share)}; high by samples ${number(row.sampled_high_share)}, exactly ${number(row.exact_high_share)}.`,
        // '±' is going to be one character longer.
        layout.width - 1,
      ),
    ),
    ...shown('Along training, held-out questions', TRAINING, rows('training')),
    ...shown(
      'Return after training, early unforked actions kept minus filtered',
      ABLATION,
      rows('ablation-difference'),
    ),
    ...shown(
      "CARL's advantage against the exact one, siblings correlated",
      CORRELATED,
      rows('correlated').filter(({ state }) => state === 'all'),
    ),
  ];
  const text = `${parts.join('\n')}\n`;
  return layout.ascii ? text.replaceAll('±', '+-') : text;
}

function number(value: Row[string] | undefined, digits = 3): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return '-';
  // No '-0.000'.
  return Number.isInteger(value) ? String(value) : value.toFixed(digits).replace(/^-(0\.0*)$/, '$1');
}

function withError(row: Row, name: string): string {
  const error = row[`${name}_error`];
  return `${number(row[name])}${typeof error === 'number' ? ` ± ${error.toFixed(3)}` : ''}`;
}
