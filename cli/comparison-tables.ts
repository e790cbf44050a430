import type { Interval } from '../bench/stats/interval.ts';
import { printable } from '../core/printable.ts';
import type { Cost, GroupAnalysis, PairAnalysis } from '../reports/analyzed.ts';
import { describeP } from '../reports/paper-table.ts';
import { commonLabel, hasSeveralScores, scoreLabel } from '../reports/score.ts';
import type { Layout } from './layout.ts';
import { renderTable, type TableColumn } from './table.ts';
import { wrapText } from './wrap.ts';

/** What --columns can name in the comparison of a run. */
export const COMPARISON_NAMES = [
  ...['environment', 'algorithm', 'seeds', 'score', 'before', 'after', 'gain', 'em', 'updates', 'rollouts'],
  ...['entropy', 'gap', 'steps'],
] as const;

/** What --columns can name in the table of pairs. */
export const PAIR_NAMES = [
  ...['environment', 'algorithm', 'against', 'pairs', 'score', 'difference', 'interval', 'p', 'holm'],
  ...['improvement', 'note'],
] as const;

/** A column with what stands in it. */
type Made<Of> = TableColumn & { readonly cell: (of: Of) => string };

const NONE = '-';

function fixed(value: number | null | undefined, digits: number): string {
  return typeof value === 'number' ? value.toFixed(digits).replace(/^-(?=0(\.0*)?$)/, '') : NONE;
}

const signed = (value: number, digits: number): string => `${value > 0 ? '+' : ''}${fixed(value, digits)}`;

/** A t interval is symmetric; the others are shown by their ends. */
function withInterval(interval: Interval | null, isChange = false, digits = 3): string {
  if (interval === null) return NONE;
  const { value, low, high, method } = interval;
  const show = (number: number) => (isChange ? signed(number, digits) : fixed(number, digits));
  if (low === null || high === null) return show(value);
  if (method === 't') return `${show(value)} ± ${fixed((high - low) / 2, digits)}`;
  return `${show(value)} [${show(low)}, ${show(high)}]`;
}

const nameOf = (declared: GroupAnalysis['declared']): string =>
  declared === null ? NONE : printable(scoreLabel(declared));

function withRatio({ value, ratio }: Cost): string {
  return `${fixed(value, 1)}${ratio === null ? '' : ` (${ratio.toFixed(2)}x)`}`;
}

const isSeveral = (parts: readonly { readonly environment: string }[]): boolean =>
  new Set(parts.map(({ environment }) => environment)).size > 1;

const render = <Of>(columns: readonly Made<Of>[], parts: readonly Of[], layout: Layout): string =>
  renderTable(
    columns,
    parts.map((part) => columns.map(({ cell }) => cell(part))),
    layout,
  );

/** The comparison of a run, one line per environment and algorithm. Ratios in brackets are to GRPO. */
export function comparisonTable(groups: readonly GroupAnalysis[], layout: Layout): string {
  const label = commonLabel(groups);
  const threshold = groups.find(({ steps }) => steps !== null)?.steps?.threshold;
  const columns: readonly (Made<GroupAnalysis> & { readonly name: (typeof COMPARISON_NAMES)[number] })[] = [
    {
      name: 'environment',
      rank: 0,
      hidden: !isSeveral(groups),
      cell: ({ environment }) => printable(environment),
    },
    { name: 'algorithm', rank: 0, cell: ({ algorithm }) => printable(algorithm) },
    {
      name: 'seeds',
      rank: 0,
      cell: ({ finished, failed, missing }) =>
        `${finished}${failed > 0 ? `, ${failed} FAILED` : ''}${missing > 0 ? `, ${missing} not run` : ''}`,
    },
    { name: 'score', rank: 0, hidden: !hasSeveralScores(groups), cell: ({ declared }) => nameOf(declared) },
    {
      name: 'before',
      title: `${label} before`,
      number: true,
      rank: 4,
      cell: ({ start }) => fixed(start?.value, 3),
    },
    {
      name: 'after',
      title: `${label} after and 95 % interval`,
      number: true,
      rank: 0,
      cell: ({ score }) => withInterval(score),
    },
    {
      name: 'gain',
      title: 'gain and 95 % interval',
      number: true,
      rank: 0,
      cell: ({ gain }) => withInterval(gain, true),
    },
    {
      name: 'em',
      title: 'dev EM',
      number: true,
      rank: 5,
      hidden: groups.every(({ em }) => em === null),
      cell: ({ em }) => fixed(em?.value, 3),
    },
    {
      name: 'updates',
      title: 'updates per question',
      number: true,
      rank: 2,
      cell: ({ costs }) => withRatio(costs.update_actions),
    },
    {
      name: 'rollouts',
      title: 'rollout actions per question',
      number: true,
      rank: 3,
      cell: ({ costs }) => withRatio(costs.rollout_actions),
    },
    {
      name: 'entropy',
      number: true,
      rank: 6,
      cell: ({ actionEntropy }) => fixed(actionEntropy?.value, 3),
    },
    {
      name: 'gap',
      title: 'optimality gap',
      number: true,
      rank: 0,
      hidden: groups.every(({ optimalityGap }) => optimalityGap === null),
      cell: ({ optimalityGap }) => withInterval(optimalityGap),
    },
    {
      name: 'steps',
      title: `reached ${threshold ?? 'threshold'}, median iteration`,
      number: true,
      rank: 0,
      hidden: threshold === undefined,
      cell: ({ steps, finished }) =>
        steps ? `${steps.reached} of ${finished}, ${fixed(steps.median, 0)}` : NONE,
    },
  ];
  return render(columns, groups, layout);
}

/** Every comparison in pairs of seeds, and below it what was done. Empty if nothing is to be compared. */
export function pairTable(pairs: readonly PairAnalysis[], layout: Layout): string {
  if (pairs.length === 0) return '';
  const label = commonLabel(pairs);
  const columns: readonly (Made<PairAnalysis> & { readonly name: (typeof PAIR_NAMES)[number] })[] = [
    {
      name: 'environment',
      rank: 0,
      hidden: !isSeveral(pairs),
      cell: ({ environment }) => printable(environment),
    },
    { name: 'algorithm', rank: 0, cell: ({ algorithm }) => printable(algorithm) },
    { name: 'against', rank: 1, cell: ({ baseline }) => printable(baseline) },
    { name: 'pairs', number: true, rank: 3, cell: ({ pairs: count }) => String(count) },
    { name: 'score', rank: 0, hidden: !hasSeveralScores(pairs), cell: ({ declared }) => nameOf(declared) },
    {
      name: 'difference',
      title: `difference in ${label} and 95 % interval`,
      number: true,
      rank: 0,
      cell: ({ difference }) => withInterval(difference, true),
    },
    {
      name: 'interval',
      title: 'how made',
      rank: 6,
      cell: ({ difference }) => difference?.method ?? NONE,
    },
    { name: 'p', number: true, rank: 4, cell: ({ p }) => (p === null ? NONE : describeP(p)) },
    {
      name: 'holm',
      title: 'p (Holm)',
      number: true,
      rank: 0,
      cell: ({ adjustedP }) => (adjustedP === null ? NONE : describeP(adjustedP)),
    },
    {
      name: 'improvement',
      title: 'probability of improvement',
      number: true,
      rank: 5,
      cell: ({ improvement }) =>
        improvement === null
          ? NONE
          : `${fixed(improvement.value, 2)}${improvement.low === null ? '' : ` [${fixed(improvement.low, 2)}, ${fixed(improvement.high, 2)}]`}`,
    },
    // Why a number is missing is not to be missing as well.
    {
      name: 'note',
      rank: 1,
      hidden: pairs.every(({ note }) => note === null),
      cell: ({ note }) => note ?? '',
    },
  ];
  const table = render(columns, pairs, layout);
  return [...(table === '' ? [] : [table]), wrapText(verdict(pairs), layout.width)].join('\n');
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
