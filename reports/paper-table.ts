import type { Interval } from '../bench/stats/interval.ts';
import type { Analysis, GroupAnalysis } from './analyzed.ts';
import { commonLabel, hasSeveralScores, scoreLabel } from './score.ts';

/** A table of plain text, and what has to be said below it. */
interface PaperTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

/** What is not known. */
export const NONE = '–';

/**
 * The comparison as a table for a paper, in Markdown: scores, gains and differences with their intervals, Holm's p,
 * probability of improvement, costs with their ratios to GRPO's, and below it how they were made.
 */
export function markdownTable(analysis: Analysis): string {
  const { head, rows, notes } = paperTable(analysis);
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  return [
    line(head),
    `|${head.map((_, index) => (index < 2 ? ' --- |' : ' ---: |')).join('')}`,
    ...rows.map(line),
    '',
    ...notes.map((note) => `${escapeMarkdown(note)}\n`),
  ].join('\n');
}

function paperTable(analysis: Analysis): PaperTable {
  const { groups } = analysis;
  const several = hasSeveralScores(groups);
  const hasExactMatch = groups.some(({ em }) => em !== null);
  const head = [
    'Environment',
    'Algorithm',
    ...(several ? ['Score'] : []),
    'Seeds',
    capitalized(commonLabel(groups)),
    'IQM',
    'Gain',
    ...(hasExactMatch ? ['Dev EM'] : []),
    'Difference',
    'p (Holm)',
    'P(improvement)',
    'Updates/question',
    'Rollout actions/question',
  ];
  const rows = groups.map((group) => {
    const pair = analysis.pairs.find(
      ({ environment, algorithm }) => environment === group.environment && algorithm === group.algorithm,
    );
    return [
      group.environment,
      group.algorithm,
      ...(several ? [group.declared === null ? NONE : scoreLabel(group.declared)] : []),
      describeSeeds(group),
      describe(group.score),
      group.scoreIqm === null ? NONE : fixed(group.scoreIqm.value),
      describe(group.gain, true),
      ...(hasExactMatch ? [group.em === null ? NONE : fixed(group.em.value)] : []),
      describe(pair?.difference ?? null, true),
      pair?.adjustedP == null ? NONE : describeP(pair.adjustedP),
      describe(pair?.improvement ?? null),
      describeCost(group, 'update_actions'),
      describeCost(group, 'rollout_actions'),
    ];
  });
  return {
    head,
    rows,
    notes: [
      ...notesOf(analysis, { marks: 'Brackets', hasIqm: true }),
      ...(analysis.pairs.length === 0
        ? []
        : ['P(improvement): chance that a run scores above a run of the baseline.']),
    ],
  };
}

/** What has to be said below any such table, in sentences. */
export function notesOf(
  { groups, pairs, options }: Analysis,
  { marks, hasIqm }: { readonly marks: string; readonly hasIqm: boolean },
): readonly string[] {
  const intervals = groups
    .flatMap(({ score, scoreIqm }) => [score, scoreIqm])
    .concat(pairs.map((pair) => pair.difference));
  const methods = new Set(intervals.map((one) => one?.method));
  const known = [
    methods.has('t') ? `Student's t below 10 seeds${hasIqm ? " (Yuen's for the IQM)" : ''}` : null,
    methods.has('BCa')
      ? `BCa bootstrap over seeds from 10 on (${options.replicates} replicates, seed ${options.seed})`
      : null,
  ].filter((one) => one !== null);
  const against = [...new Set(pairs.map((pair) => pair.baseline))];
  const unfinished = groups.reduce((sum, { failed, missing }) => sum + failed + missing, 0);
  return [
    'Gain: the score after training minus before.',
    known.length === 0
      ? 'One seed each: no intervals, nothing is said about differences.'
      : `${marks}: 95 % intervals over training seeds, ${known.join(', ')}.`,
    ...(pairs.length === 0
      ? []
      : [
          `Differences in ${commonLabel(groups)} to ${against.join(', ')}, paired by seed; p of the paired t test, adjusted by Holm for ${pairs[0]!.comparisons} ${pairs[0]!.comparisons === 1 ? 'comparison' : 'comparisons'}.`,
        ]),
    ...(unfinished === 0
      ? []
      : [`${unfinished} ${unfinished === 1 ? 'cell' : 'cells'} failed or not run: in no number.`]),
  ];
}

/** A text that begins a line of a table. */
export const capitalized = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}`;

function describeSeeds({ finished, failed, missing }: GroupAnalysis): string {
  const rest = [failed > 0 ? `${failed} failed` : null, missing > 0 ? `${missing} not run` : null];
  const named = rest.filter((one) => one !== null);
  return named.length === 0 ? String(finished) : `${finished} (${named.join(', ')})`;
}

function describe(interval: Interval | null, signed = false): string {
  if (interval === null) return NONE;
  const show = (value: number): string => (signed ? withSign(value) : fixed(value));
  const { value, low, high } = interval;
  return low === null || high === null ? show(value) : `${show(value)} [${show(low)}, ${show(high)}]`;
}

/** A number with a minus sign that is none of a word, and no '−0.000'. */
export const fixed = (value: number, digits = 3): string =>
  value
    .toFixed(digits)
    .replace(/^-(?=0(\.0*)?$)/, '')
    .replace('-', '−');

/** The same with '+' where it is above 0 as it is printed. */
export const withSign = (value: number, digits = 3): string => {
  const text = fixed(value, digits);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
};

/** A p value as papers print it. */
export const describeP = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));

function describeCost({ costs }: GroupAnalysis, name: keyof GroupAnalysis['costs']): string {
  const { value, ratio } = costs[name];
  if (value === null) return NONE;
  return `${value.toFixed(1)}${ratio === null ? '' : ` (${ratio.toFixed(2)}×)`}`;
}

const escapeMarkdown = (text: string): string =>
  text
    .replace(/[\\`*_{}<>|#~$]/g, (character) => `\\${character}`)
    // Brackets alone are harmless in Markdown; these two together make links.
    .replace(/\](?=[([])/g, ']\\')
    .replace(/\s+/g, ' ');
