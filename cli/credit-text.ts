import type { Disagreement } from '../bench/trajectories/files/disagreement.ts';
import type { Distribution } from '../bench/trajectories/files/quantile-sketch.ts';
import type { CreditSummary, MethodSummary } from '../bench/trajectories/files/summary.ts';
import { printable } from '../core/printable.ts';
import { ROUNDING } from '../core/statistics.ts';
import type { Layout } from './layout.ts';
import { renderTable, type TableColumn } from './table.ts';
import { wrapText } from './wrap.ts';

const number = (name: string, rank: number, title = name.replaceAll('_', ' ')): TableColumn => ({
  ...{ name, title, number: true, rank },
});
const COLUMNS: readonly TableColumn[] = [
  { name: 'method', rank: 0 },
  number('trained', 0, 'trained tokens'),
  number('trained_actions', 4),
  number('zero', 0, 'groups without signal'),
  number('mean', 2),
  number('sd', 0),
  number('p5', 3),
  number('p25', 6),
  number('p50', 5, 'median'),
  number('p75', 6),
  number('p95', 3),
  number('min', 7),
  number('max', 7),
  number('rank', 1, 'rank correlation with the first'),
];
const APART: readonly TableColumn[] = [
  { name: 'methods', rank: 0 },
  { name: 'group', rank: 0 },
  { name: 'id', rank: 0 },
  number('turn', 0),
  number('credit', 0, 'credit, by method'),
  { name: 'place', rank: 1 },
];

/** What --columns can name. */
export const CREDIT_NAMES: readonly string[] = COLUMNS.map(({ name }) => name);

/** Rows of the table of disagreements. */
const SHOWN = 5;
/** Characters of a name in it. */
const NAME = 40;

/** The summary as people read it. */
export function creditText(
  file: string,
  summary: CreditSummary & { readonly hasBatches: boolean },
  layout: Layout,
): string {
  const done = summary.methods.filter(({ batches }) => batches > 0);
  const parts = [
    wrapText(overview(file, summary), layout.width),
    renderTable(
      COLUMNS,
      done.map((method) => cells(method, summary)),
      layout,
    ),
    ...notes(summary).map((note) => wrapText(note, layout.width)),
    apartTable(summary, layout),
  ];
  return `${parts.filter((part) => part !== '').join('\n')}\n`;
}

const count = (value: number, what: string): string =>
  `${value} ${value === 1 ? what : `${what.replace(/y$/, 'ie').replace(/ch$/, 'che')}s`}`;

function overview(file: string, summary: CreditSummary & { readonly hasBatches: boolean }): string {
  const { trajectories, groups, batches, actions, tokens, sharing, singletons, hasBatches } = summary;
  const by = hasBatches ? "the file's" : 'consecutive groups, --questions';
  const alone = singletons === 0 ? '' : `, ${singletons} of them of one trajectory`;
  return `${printable(file)}: ${count(trajectories, 'trajectory')} in ${count(groups, 'group')}${alone}, normalised in ${count(batches, 'batch')} (${by}); ${count(actions, 'action')} of ${count(tokens, 'token')}; ${sharing === 0 ? 'none share' : sharing === 1 ? '1 trajectory shares' : `${sharing} trajectories share`} turns.`;
}

function cells(method: MethodSummary, { pairs, methods }: CreditSummary): readonly string[] {
  const { advantages, trainedTokens, tokens, trainedActions, actions, zeroGroups, groups } = method;
  const first = methods.find(({ batches }) => batches > 0)!.method;
  const pair = pairs.find(({ methods: [a, b] }) => a === first && b === method.method);
  const values: Readonly<Record<string, string>> = {
    method: method.method,
    trained: percent(trainedTokens / tokens),
    trained_actions: percent(trainedActions / actions),
    zero: `${zeroGroups} of ${groups}`,
    rank: pair === undefined ? '' : shown(pair.spearman, 2),
    ...Object.fromEntries(
      (['mean', 'sd', 'min', 'p5', 'p25', 'p50', 'p75', 'p95', 'max'] as const).map((name) => [
        name,
        shown(advantages === null ? null : unrounded(advantages[name], advantages), 3),
      ]),
    ),
  };
  return COLUMNS.map(({ name }) => values[name] ?? '');
}

function notes({ methods }: CreditSummary): readonly string[] {
  const nothing = methods.filter(({ batches, trainedActions }) => batches > 0 && trainedActions === 0);
  const names = nothing.map(({ method }) => method).join(', ');
  const untrained = nothing.length === 0 ? [] : [`Nothing is trained here by: ${names}`];
  const lines = methods.flatMap(({ method, lacks, batches, left }) => [
    ...lacks.map(({ fields, batches: without }) => {
      const where = batches === 0 ? '' : ` in ${count(without, 'batch')}`;
      return `Left out${where}: ${method}: the file has no ${fields}`;
    }),
    ...leftNote(method, left),
  ]);
  return [...untrained, ...lines];
}

function leftNote(method: string, left: MethodSummary['left']): readonly string[] {
  const parts = [
    ...(left.clipScale > 0 ? [`${count(left.clipScale, 'action')} with a clip range of its own`] : []),
    ...(left.nllWeight > 0 ? [`${count(left.nllWeight, 'action')} by negative log-likelihood`] : []),
    ...(left.offPolicy > 0 ? [`${count(left.offPolicy, 'action')} as off-policy`] : []),
  ];
  return parts.length === 0 ? [] : [`Not in the advantages: ${method} trains ${parts.join(', ')}`];
}

function apartTable({ pairs }: CreditSummary, layout: Layout): string {
  const all = pairs.flatMap(({ methods, apart }) => apart.map((one) => ({ ...one, methods })));
  const most = all.toSorted((a, b) => b.distance - a.distance).slice(0, SHOWN);
  if (most.length === 0) return '';
  const rows = most.map(({ methods, group, id, at, turn, credit }) => [
    methods.join(', '),
    named(group),
    named(id),
    String(turn),
    credits(credit),
    at,
  ]);
  const { columns: _, ...rest } = layout;
  return `Where methods disagree most, each measured by its own scale:\n${renderTable(APART, rows, rest)}`;
}

const named = (text: string): string => {
  const plain = printable(text);
  return plain.length > NAME ? `${plain.slice(0, NAME)}…` : plain;
};

const credits = (credit: Disagreement['credit']): string =>
  credit.map((value) => (value === null ? '-' : shown(value, 3))).join(', ');

const percent = (share: number): string =>
  `${(100 * share).toFixed(share > 0.0005 && share < 0.9995 ? 1 : 0)} %`;

/** A mean that is 0 but for rounding is 0. */
const unrounded = (value: number, { min, max }: Distribution): number =>
  Math.abs(value) <= ROUNDING * Math.max(Math.abs(min), Math.abs(max)) ? 0 : value;

/** Large and tiny numbers with an exponent. */
function shown(value: number | null, digits: number): string {
  if (value === null) return '-';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 0.5 * 10 ** -digits)) return value.toExponential(1);
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text;
}
