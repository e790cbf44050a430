import { AUDIT_COLUMNS, AUDIT_COMPONENT_COLUMNS } from '../../bench/audit/columns.ts';
import type { Row } from '../../bench/cell.ts';
import type { AuditRecord } from '../sources.ts';
import { csvLink } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { decimal, type Entry, formatNumber, sortableTable, type Value } from './table.ts';
import { fileName, type View } from './view.ts';

/** The bias tables of the audits, if there are any. */
export function auditSection({ sources }: View): Markup | false {
  if (sources.audits.length === 0) return false;
  return html`<section id="audit"><h2>Is the estimate right?</h2>
<p>The expected gradient of each algorithm’s whole pipeline against the exact policy gradient. <b>Unbiased</b>: equal; <b>zero</b>: 0, although the truth is not; <b>scaled</b>: equal up to one common factor; <b>biased</b>: not even that; <b>flipped</b>: the expected gradient has the wrong sign there. Ratios are of the expected to the exact gradient, from the least to the greatest over parameters; a direction error of 0 is perfect, 1 useless, for one estimate at its best scale. The cosine alone hides flipped signs.</p>
${sources.audits.map((record, index) => auditTable(record, index))}</section>`;
}

function auditTable({ folder, audits, components }: AuditRecord, index: number): Markup {
  const heads = [
    { label: 'algorithm' },
    { label: 'environment' },
    { label: 'method', unit: 'outcomes or samples' },
    { label: 'gradient' },
    { label: 'flipped', unit: 'parameters' },
    { label: 'ratio', unit: 'expected / exact' },
    { label: 'cosine', unit: '−1..1' },
    { label: 'advantage' },
    { label: 'direction error', unit: '0..1' },
    { label: 'error per token', unit: 'tokens' },
  ];
  const ratios = ratiosOf(components);
  const rows = audits.map((row): readonly Value[] => [
    {
      content: html`${String(row.algorithm)}<small>${optionsText(row.options)}</small>`,
      sort: String(row.algorithm),
    },
    String(row.environment),
    {
      content: html`${row.method === 'exact' ? 'exact' : 'sampled'}<small>${row.outcomes}</small>`,
      sort: String(row.method),
    },
    verdict(row.gradient_verdict, row.gradient_factor, row.gradient_worst, row.gradient_worst_error),
    { content: flipped(row.gradient_flipped), sort: Number(row.gradient_flipped ?? 0) },
    ratioRange(ratios.get(keyOf(row))),
    decimal(row.cosine, 4),
    verdict(row.advantage_verdict, row.advantage_factor, row.advantage_worst, row.advantage_worst_error),
    decimal(row.direction_error, 3),
    decimal(row.error_per_token, 1),
  ]);
  const link = (
    name: string,
    columns: typeof AUDIT_COLUMNS | typeof AUDIT_COMPONENT_COLUMNS,
    data: readonly Row[],
  ) => csvLink({ name: fileName(name, String(index + 1)), columns, rows: data });
  return html`<figure id="audit-${index}"><h3>${folder}</h3>${verdictTable(audits, ratios)}
<details><summary>The whole audit, ${audits.length} rows</summary>${sortableTable(`Audit in ${folder}`, heads, rows)}</details>
<figcaption>Exact: every outcome was enumerated; sampled: judged at 4 standard errors. ${link('audit', AUDIT_COLUMNS, audits)} ${link('audit-components', AUDIT_COMPONENT_COLUMNS, components)}</figcaption></figure>`;
}

/** Verdicts on the gradient with what they are made of: algorithms down, environments across. */
function verdictTable(audits: readonly Row[], ratios: Ratios): Markup {
  const environments = [...new Set(audits.map((row) => String(row.environment)))];
  const algorithms = [...new Set(audits.map((row) => String(row.algorithm)))];
  const rows = algorithms.map((algorithm): readonly Value[] => [
    algorithm,
    ...environments.map((environment): Value => {
      const row = audits.find((one) => one.algorithm === algorithm && one.environment === environment);
      return row === undefined ? null : verdictEntry(row, ratios);
    }),
  ]);
  const heads = [{ label: 'algorithm' }, ...environments.map((label) => ({ label, unit: 'gradient' }))];
  return sortableTable('Bias of the gradient', heads, rows);
}

function verdictEntry(row: Row, ratios: Ratios): Entry {
  const { gradient_verdict: kind, gradient_factor: factor, gradient_flipped: flips } = row;
  const name = String(kind ?? 'not recorded');
  const remarks = [
    ...(name === 'scaled' && typeof factor === 'number' ? [`×${formatNumber(factor, 2)}`] : []),
    ...(Number(flips ?? 0) > 0 ? [`${flips} flipped`] : []),
    ...(row.method === 'exact' ? [] : ['sampled']),
  ];
  const range = rangeOf(ratios.get(keyOf(row)));
  const magnitudes = [
    ...(range === undefined ? [] : [`ratio ${range.text}`]),
    ...(typeof row.direction_error === 'number'
      ? [`direction error ${formatNumber(row.direction_error, 2)}`]
      : []),
    ...(typeof row.cosine === 'number' ? [`cosine ${formatNumber(row.cosine, 2)}`] : []),
  ];
  return {
    content: html`<div class="verdict">${marked(name)}${[remarks.join(', '), ...magnitudes]
      .filter(Boolean)
      .map((text) => html`<small>${text}</small>`)}</div>`,
    sort: name,
  };
}

/** A verdict with its mark: a gradient of 0 is neither right nor a wrong direction. */
const marked = (name: string): Markup =>
  html`<span class="${TONES[name]}">${MARKS[name] === undefined ? null : `${MARKS[name]} `}${name}</span>`;

const MARKS: Readonly<Record<string, string>> = { biased: '✗', unbiased: '✓', scaled: '≈', zero: '∅' };
const TONES: Readonly<Record<string, string>> = { biased: 'bad', unbiased: 'good', zero: 'zero' };

function optionsText(options: Row[string] | undefined): string {
  return typeof options === 'string'
    ? options.replace(/[{}"]/g, '').replaceAll(',', ', ').replaceAll(':', ' ')
    : '';
}

function verdict(
  kind: Row[string] | undefined,
  factor: Row[string] | undefined,
  worst: Row[string] | undefined,
  error: Row[string] | undefined,
): Value {
  const name = String(kind ?? 'not recorded');
  const detail =
    name === 'scaled' && typeof factor === 'number'
      ? `×${formatNumber(factor, 3)}`
      : name === 'biased' && worst !== null && typeof error === 'number'
        ? `${worst}: off by ${formatNumber(error, 2)}`
        : false;
  return {
    content: html`${marked(name)}${detail && html`<small>${detail}</small>`}`,
    sort: name,
  };
}

function flipped(count: Row[string] | undefined): Markup | string {
  return typeof count === 'number' && count > 0
    ? html`<span class="bad">${count}</span>`
    : String(count ?? '–');
}

/** Ratios of the expected to the exact gradient, by environment and algorithm. */
type Ratios = ReadonlyMap<string, readonly number[]>;

const keyOf = ({ environment, algorithm }: Row): string => JSON.stringify([environment, algorithm]);

function ratiosOf(components: readonly Row[]): Ratios {
  const ratios = new Map<string, number[]>();
  for (const row of components) {
    if (row.quantity !== 'gradient' || typeof row.ratio !== 'number') continue;
    ratios.set(keyOf(row), [...(ratios.get(keyOf(row)) ?? []), row.ratio]);
  }
  return ratios;
}

/** From the least to the greatest, in words; undefined without any. */
function rangeOf(
  values: readonly number[] = [],
): { readonly low: number; readonly text: string } | undefined {
  if (values.length === 0) return undefined;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [least, most] = [formatNumber(low, 2), formatNumber(high, 2)];
  return { low, text: least === most ? least : `${least} to ${most}` };
}

function ratioRange(values: readonly number[] | undefined): Value {
  const range = rangeOf(values);
  return range === undefined ? null : { content: range.text, sort: range.low };
}
