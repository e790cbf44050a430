import Table from 'cli-table3';
import type { Row } from '../bench/cell.ts';

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

/** A table as text, without colors. Plain ASCII for files and pipes, box drawing for terminals. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { ascii, numbersFrom }: { readonly ascii: boolean; readonly numbersFrom?: number },
): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, i) => (i >= (numbersFrom ?? head.length) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
    ...(ascii ? { chars: ASCII } : {}),
  });
  // Before the layout: the replacement is a character longer.
  const plain = (text: string) => (ascii ? text.replaceAll('±', '+-') : text);
  table.push(...rows.map((row) => row.map(plain)));
  return table.toString();
}

const NONE = '-';

function fixed(value: Row[string] | undefined, digits: number): string {
  return typeof value === 'number' ? value.toFixed(digits) : NONE;
}

function withRatio(row: Row, name: string): string {
  const ratio = row[`${name}_ratio`];
  return `${fixed(row[name], 1)}${typeof ratio === 'number' ? ` (${ratio.toFixed(2)}x)` : ''}`;
}

/** The comparison of a run, one line per environment and algorithm. Ratios in brackets are to GRPO. */
export function comparisonTable(rows: readonly Row[], ascii: boolean): string {
  const several = new Set(rows.map((row) => row.environment)).size > 1;
  const head = [
    ...(several ? ['environment'] : []),
    'algorithm',
    'seeds',
    'dev F1\nbefore',
    'dev F1 after\nand 95 % interval',
    'gain in\ns.e.',
    'dev EM',
    'updates per\nquestion',
    'rollout actions\nper question',
    'entropy',
  ];
  const body = rows.map((row) => {
    const failed = Number(row.failed);
    const missing = Number(row.missing);
    const half = row.dev_f1_half_width;
    return [
      ...(several ? [String(row.environment)] : []),
      String(row.algorithm),
      `${row.seeds}${failed > 0 ? `, ${failed} FAILED` : ''}${missing > 0 ? `, ${missing} not run` : ''}`,
      fixed(row.dev_f1_start, 3),
      `${fixed(row.dev_f1, 3)}${typeof half === 'number' ? ` ± ${half.toFixed(3)}` : ''}`,
      fixed(row.dev_f1_gain_standard_errors, 1),
      fixed(row.dev_em, 3),
      withRatio(row, 'update_actions'),
      withRatio(row, 'rollout_actions'),
      fixed(row.action_entropy, 3),
    ];
  });
  return renderTable(head, body, { ascii, numbersFrom: several ? 3 : 2 });
}
