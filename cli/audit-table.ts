import type { Audit } from '../bench/audit/audit.ts';
import { layoutOf, type TableFlags } from './layout.ts';
import { renderTable, type TableColumn } from './table.ts';

export const AUDIT_TABLE_COLUMNS: readonly TableColumn[] = [
  { name: 'environment', rank: 0 },
  { name: 'algorithm', rank: 0 },
  { name: 'method', rank: 4 },
  { name: 'gradient', rank: 0 },
  { name: 'ratios', number: true, rank: 2 },
  { name: 'cosine', number: true, rank: 3 },
  { name: 'advantage', rank: 5 },
  { name: 'direction', title: 'direction error', number: true, rank: 1 },
  { name: 'cost', title: 'error per token', number: true, rank: 6 },
];

/** `{initial: 1, forks: 3}` as 'initial 1, forks 3'. */
function settings(given: object): string {
  return Object.entries(given)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** The table of audits, each with the options that it was given. */
export function auditTable(
  audits: readonly (Audit & { readonly given: object })[],
  flags: TableFlags,
): string {
  const number = (value: number, digits = 3): string =>
    Number.isFinite(value) ? value.toFixed(digits) : '-';
  const verdict = ({ gradient }: Audit, which: Audit['gradient'] = gradient): string => {
    if (which.kind === 'scaled') return `scaled x${number(which.factor)}`;
    if (which.kind !== 'biased') return which.kind;
    const flips = which.flipped.length > 0 ? `, ${which.flipped.length} flipped` : '';
    return `BIASED${flips}\n${which.worst?.name} off ${number(which.worst?.error ?? Number.NaN, 2)}`;
  };
  const ratios = ({ gradient }: Audit): string => {
    const values = gradient.components.flatMap(({ exact, expected }) =>
      Math.abs(exact) > 1e-12 ? [expected / exact] : [],
    );
    return values.length === 0
      ? '-'
      : `${number(Math.min(...values), 2)} to ${number(Math.max(...values), 2)}`;
  };
  return renderTable(
    AUDIT_TABLE_COLUMNS,
    audits.map((entry) => [
      entry.environment,
      `${entry.algorithm}\n${settings(entry.given)}`,
      `${entry.method === 'exact' ? 'exact' : 'mc'} ${entry.outcomes}`,
      verdict(entry),
      ratios(entry),
      number(entry.cosine, 4),
      verdict(entry, entry.advantage),
      number(entry.directionError),
      number(entry.errorPerToken, 1),
    ]),
    layoutOf(flags),
  );
}
