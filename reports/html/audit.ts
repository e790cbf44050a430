import { AUDIT_COLUMNS, AUDIT_COMPONENT_COLUMNS } from '../../bench/audit/columns.ts';
import type { Row } from '../../bench/cell.ts';
import type { AuditRecord } from '../sources.ts';
import { csvLink } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { decimal, formatNumber, sortableTable, type Value } from './table.ts';
import { fileName, type View } from './view.ts';

/** The bias tables of the audits, if there are any. */
export function auditSection({ sources }: View): Markup | false {
  if (sources.audits.length === 0) return false;
  return html`<section id="audit"><h2>Is the estimate right?</h2>
<p>The expected gradient of each algorithm’s whole pipeline against the exact policy gradient. <b>Unbiased</b>: equal; <b>zero</b>: 0, although the truth is not; <b>scaled</b>: equal up to one common factor; <b>biased</b>: not even that; <b>flipped</b>: the expected gradient has the wrong sign there. The cosine alone hides flipped signs.</p>
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
  const ratios = new Map<string, number[]>();
  for (const row of components) {
    if (row.quantity !== 'gradient' || typeof row.ratio !== 'number') continue;
    const key = JSON.stringify([row.environment, row.algorithm]);
    ratios.set(key, [...(ratios.get(key) ?? []), row.ratio]);
  }
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
    ratioRange(ratios.get(JSON.stringify([row.environment, row.algorithm]))),
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
  return html`<figure id="audit-${index}"><h3>${folder}</h3>${verdictTable(audits)}
<details><summary>The whole audit, ${audits.length} rows</summary>${sortableTable(`Audit in ${folder}`, heads, rows)}</details>
<figcaption>Exact: every outcome was enumerated; sampled: judged at 4 standard errors. ${link('audit', AUDIT_COLUMNS, audits)} ${link('audit-components', AUDIT_COMPONENT_COLUMNS, components)}</figcaption></figure>`;
}

/** Verdicts on the gradient: algorithms down, environments across. */
function verdictTable(audits: readonly Row[]): Markup {
  const environments = [...new Set(audits.map((row) => String(row.environment)))];
  const algorithms = [...new Set(audits.map((row) => String(row.algorithm)))];
  const rows = algorithms.map((algorithm): readonly Value[] => [
    algorithm,
    ...environments.map((environment): Value => {
      const row = audits.find((one) => one.algorithm === algorithm && one.environment === environment);
      if (row === undefined) return null;
      const count = Number(row.gradient_flipped ?? 0);
      const name = String(row.gradient_verdict ?? 'not recorded');
      const factor = name === 'scaled' && typeof row.gradient_factor === 'number';
      const details = [
        ...(factor ? [`×${formatNumber(row.gradient_factor as number, 2)}`] : []),
        ...(count > 0 ? [`${count} flipped`] : []),
        ...(row.method === 'exact' ? [] : ['sampled']),
      ].join(', ');
      return {
        content: html`<span class="${TONES[name]}">${name}</span><small>${details}</small>`,
        sort: name,
      };
    }),
  ]);
  const heads = [{ label: 'algorithm' }, ...environments.map((label) => ({ label, unit: 'gradient' }))];
  return sortableTable('Bias of the gradient', heads, rows);
}

const TONES: Readonly<Record<string, string>> = { biased: 'bad', unbiased: 'good' };

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
    content: html`<span class="${TONES[name]}">${name}</span>${detail && html`<small>${detail}</small>`}`,
    sort: name,
  };
}

function flipped(count: Row[string] | undefined): Markup | string {
  return typeof count === 'number' && count > 0
    ? html`<span class="bad">${count}</span>`
    : String(count ?? '–');
}

function ratioRange(values: readonly number[] | undefined): Value {
  if (values === undefined || values.length === 0) return null;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const text = low === high ? formatNumber(low, 2) : `${formatNumber(low, 2)} to ${formatNumber(high, 2)}`;
  return { content: text, sort: low };
}
