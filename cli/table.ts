import Table from 'cli-table3';
import type { Interval } from '../bench/stats/interval.ts';
import { printable, printableLines } from '../core/printable.ts';
import type { Cost, GroupAnalysis, PairAnalysis } from '../reports/analyzed.ts';
import { gainInErrors } from '../reports/comparison.ts';
import { describeP } from '../reports/paper-table.ts';
import { commonLabel, hasSeveralScores, scoreLabel } from '../reports/score.ts';

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
  // Before the layout: what is taken out or put in changes the width.
  const plain = (text: string) => printableLines(ascii ? text.replaceAll('±', '+-') : text);
  const table = new Table({
    head: head.map(plain),
    colAligns: head.map((_, i) => (i >= (numbersFrom ?? head.length) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
    ...(ascii ? { chars: ASCII } : {}),
  });
  table.push(...rows.map((row) => row.map(plain)));
  return table.toString();
}

const NONE = '-';

function fixed(value: number | null | undefined, digits: number): string {
  return typeof value === 'number' ? value.toFixed(digits) : NONE;
}

/** A t interval is symmetric; the others are shown by their ends. */
function withInterval(interval: Interval | null, digits = 3): string {
  if (interval === null) return NONE;
  const { value, low, high, method } = interval;
  if (low === null || high === null) return fixed(value, digits);
  if (method === 't') return `${fixed(value, digits)} ± ${fixed((high - low) / 2, digits)}`;
  return `${fixed(value, digits)} [${fixed(low, digits)}, ${fixed(high, digits)}]`;
}

const nameOf = (declared: GroupAnalysis['declared']): string =>
  declared === null ? NONE : printable(scoreLabel(declared));

function withRatio({ value, ratio }: Cost): string {
  return `${fixed(value, 1)}${ratio === null ? '' : ` (${ratio.toFixed(2)}x)`}`;
}

/** The comparison of a run, one line per environment and algorithm. Ratios in brackets are to GRPO. */
export function comparisonTable(groups: readonly GroupAnalysis[], ascii: boolean): string {
  const several = new Set(groups.map((group) => group.environment)).size > 1;
  const hasGap = groups.some((group) => group.optimalityGap !== null);
  const scores = hasSeveralScores(groups);
  const hasExactMatch = groups.some((group) => group.em !== null);
  const label = commonLabel(groups);
  const steps = groups.find((group) => group.steps !== null)?.steps;
  const head = [
    ...(several ? ['environment'] : []),
    'algorithm',
    'seeds',
    ...(scores ? ['score'] : []),
    `${label}\nbefore`,
    `${label} after\nand 95 % interval`,
    'gain in\ns.e.',
    ...(hasExactMatch ? ['dev EM'] : []),
    'updates per\nquestion',
    'rollout actions\nper question',
    'entropy',
    ...(hasGap ? ['optimality gap'] : []),
    ...(steps ? [`reached ${steps.threshold},\nmedian iteration`] : []),
  ];
  const body = groups.map((group) => [
    ...(several ? [printable(group.environment)] : []),
    printable(group.algorithm),
    `${group.finished}${group.failed > 0 ? `, ${group.failed} FAILED` : ''}${group.missing > 0 ? `, ${group.missing} not run` : ''}`,
    ...(scores ? [nameOf(group.declared)] : []),
    fixed(group.start?.value, 3),
    withInterval(group.score),
    fixed(gainInErrors(group), 1),
    ...(hasExactMatch ? [fixed(group.em?.value, 3)] : []),
    withRatio(group.costs.update_actions),
    withRatio(group.costs.rollout_actions),
    fixed(group.actionEntropy?.value, 3),
    ...(hasGap ? [withInterval(group.optimalityGap)] : []),
    ...(steps
      ? [group.steps ? `${group.steps.reached} of ${group.finished}, ${fixed(group.steps.median, 0)}` : NONE]
      : []),
  ]);
  return renderTable(head, body, { ascii, numbersFrom: several ? 3 : 2 });
}

/** Every comparison in pairs of seeds, and below it what was done. Empty if nothing is to be compared. */
export function pairTable(pairs: readonly PairAnalysis[], ascii: boolean): string {
  if (pairs.length === 0) return '';
  const several = new Set(pairs.map((pair) => pair.environment)).size > 1;
  const scores = hasSeveralScores(pairs);
  const head = [
    ...(several ? ['environment'] : []),
    'algorithm',
    'against',
    'pairs',
    ...(scores ? ['score'] : []),
    `difference in ${commonLabel(pairs)}\nand 95 % interval`,
    'interval',
    'p',
    'p (Holm)',
    'probability of\nimprovement',
    'note',
  ];
  const body = pairs.map((pair) => {
    const { difference, improvement } = pair;
    return [
      ...(several ? [printable(pair.environment)] : []),
      printable(pair.algorithm),
      printable(pair.baseline),
      String(pair.pairs),
      ...(scores ? [nameOf(pair.declared)] : []),
      `${(difference?.value ?? 0) > 0 ? '+' : ''}${withInterval(difference)}`,
      difference?.method ?? NONE,
      pair.p === null ? NONE : describeP(pair.p),
      pair.adjustedP === null ? NONE : describeP(pair.adjustedP),
      improvement === null
        ? NONE
        : `${fixed(improvement.value, 2)}${improvement.low === null ? '' : ` [${fixed(improvement.low, 2)}, ${fixed(improvement.high, 2)}]`}`,
      pair.note ?? '',
    ];
  });
  return `${renderTable(head, body, { ascii, numbersFrom: several ? 3 : 2 })}\n${verdict(pairs)}`;
}

/** What may be said, in words. */
function verdict(pairs: readonly PairAnalysis[]): string {
  const tested = pairs[0]!.comparisons;
  if (tested === 0) return 'Nothing could be tested: that takes two seeds that both sides finished.';
  const found = pairs.filter(({ adjustedP }) => adjustedP !== null && adjustedP < 0.05);
  const names = found.map(({ environment, algorithm, baseline, difference }) =>
    printable(`${algorithm} ${difference!.value > 0 ? 'above' : 'below'} ${baseline} (${environment})`),
  );
  const what = names.length === 0 ? 'none told apart' : `told apart: ${names.join(', ')}`;
  return `Equal seeds in pairs, paired t tests; of ${tested} ${tested === 1 ? 'comparison' : 'comparisons'} at 5 % after Holm, ${what}.`;
}
