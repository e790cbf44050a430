import { creditInterval } from '../../bench/profile/credit.ts';
import { PROFILE_COLUMNS, profileRow, toldApart } from '../../bench/profile/summary.ts';
import { mean } from '../../core/statistics.ts';
import { figure } from '../html/figure.ts';
import { html, type Markup } from '../html/markup.ts';
import { type Entry, formatNumber, type Head, sortableTable, type Value } from '../html/table.ts';
import { sayInterval, switcher } from '../html/view.ts';
import { ALL_STEPS, stepClass, stepOf } from './colors.ts';
import type { Field, Method, ProfileView, ShownExperiment } from './view.ts';
import { count, sayP } from './words.ts';

type Family = 'score' | 'credit';

/** Methods x experiments, twice: what was learned, and how well credit was identified. */
export function heatSection(view: ProfileView): Markup {
  const tables = (['score', 'credit'] as const).map(
    (family) =>
      html`<div class="heat" data-heat="${family}">${heatTable(view, family)}${scale()}<p>${CAPTIONS[family](view)}</p></div>`,
  );
  return html`<section id="heat"><h2>Methods and experiments</h2>
${switcher('heat', 'Show', [
  { id: 'score', label: 'learning score' },
  { id: 'credit', label: 'credit: rank correlation' },
])}
${figure('heat-map', 'Heat map', {
  charts: tables,
  says: 'Every field leads to the numbers behind it on the method’s own page. Intervals and p show on hover and on focus (arrow keys move). Rows are sorted by mean score; a click on a head sorts by it.',
  data: {
    name: 'profile',
    columns: PROFILE_COLUMNS,
    rows: everyField(view).map(({ summary }) => profileRow(summary)),
  },
})}</section>`;
}

const CAPTIONS: Readonly<Record<Family, (view: ProfileView) => Markup>> = {
  score: ({ comparisons, seeds }) =>
    html`Area under the curve of the exact return: mean over the levels of an experiment’s knob and over ${seeds} seeds. 0 is the starting policy, 1 the optimal one from the first action on; below 0, training made it worse.${
      comparisons > 0 &&
      html` ▲ above GRPO, ▼ below: told apart at 5 % by the t test (seeds in pairs, levels as strata), after Holm’s adjustment for ${count(comparisons, 'comparison')}, and at least 0.01 apart.`
    }`,
  credit: () =>
    html`At the starting policy, before any training: Spearman’s correlation of the credit of sampled actions with their exact advantages. 1 is the right order, 0 none, below 0 the wrong one; – if credit or advantages do not vary. Not tested against GRPO, so there are no marks. A method can be good at this and bad at learning.`,
};

function heatTable(view: ProfileView, family: Family): Markup {
  const { experiments, methods } = view;
  const hasMean = experiments.length > 1;
  const heads: Head[] = [
    { label: 'method' },
    ...(hasMean ? [{ label: 'mean', hint: 'mean over the experiments' }] : []),
    ...experiments.map(({ id, known }) => ({
      label: id,
      ...(known === undefined ? {} : { hint: `${known.question}\nKnob: ${known.knob.name}` }),
    })),
  ];
  const rows = methods.map((method): readonly Value[] => [
    nameEntry(method),
    ...(hasMean ? [meanEntry(view, method, family)] : []),
    ...experiments.map((experiment, index) => fieldEntry(view, method, experiment, index, family)),
  ]);
  return sortableTable(
    family === 'score' ? 'Learning score' : 'Credit: rank correlation with exact advantages',
    heads,
    rows,
  );
}

const TAGS: Readonly<Record<Method['kind'], string>> = {
  baseline: 'baseline',
  again: 'check',
  asked: '',
  reference: 'reference',
};

function nameEntry({ name, id, kind }: Method): Entry {
  const tag = TAGS[kind];
  return {
    content: html`<a href="#${id}" class="${kind}">${name}</a>${tag !== '' && html` <span class="tag">${tag}</span>`}`,
    sort: name,
  };
}

/** The tag of a method, for headings. */
export const tagOf = ({ kind }: Pick<Method, 'kind'>): Markup | false =>
  TAGS[kind] !== '' && html` <span class="tag">${TAGS[kind]}</span>`;

function meanEntry(view: ProfileView, method: Method, family: Family): Value {
  if (family === 'score') {
    const { score } = method;
    if (score === null) return { content: html`<span class="cell">–</span>`, sort: null };
    return colored(
      score.value,
      `${method.name}, mean of all experiments: ${sayInterval(score)}`,
      `#${method.id}`,
    );
  }
  const known = view.experiments.flatMap(({ id }) => {
    const value = view.field(method.name, id)?.summary.rankCorrelation ?? null;
    return value === null ? [] : [value];
  });
  if (known.length === 0) return { content: html`<span class="cell">–</span>`, sort: null };
  const value = mean(known);
  const of = `${known.length} of ${view.experiments.length} experiments`;
  return colored(value, `${method.name}, mean of ${of}: ${formatNumber(value, 3)}`, `#${method.id}`);
}

function fieldEntry(
  view: ProfileView,
  method: Method,
  experiment: ShownExperiment,
  index: number,
  family: Family,
): Value {
  const field = view.field(method.name, experiment.id);
  if (field === undefined) {
    const says = `${method.name} in ${experiment.id}: no reference scores that can be compared`;
    return { content: html`<span class="cell" title="${says}">–</span>`, sort: null };
  }
  const address = `#${method.id}-${index}`;
  if (family === 'score') {
    return colored(field.summary.score.value, sayScore(method, field), address, toldApart(field.summary));
  }
  const value = field.summary.rankCorrelation;
  const says = sayCredit(method, field);
  if (value !== null) return colored(value, says, address);
  return { content: html`<a href="${address}" title="${says}">–</a>`, sort: null };
}

const MARKS = {
  '1': html`<i aria-hidden="true">▲</i><span class="sr"> above GRPO</span>`,
  '0': false,
  '-1': html`<i aria-hidden="true">▼</i><span class="sr"> below GRPO</span>`,
} as const;

function colored(value: number, says: string, address: string, mark: -1 | 0 | 1 = 0): Entry {
  const step = stepOf(value);
  return {
    content: html`<a${step !== null && html` class="${stepClass(step)}"`} href="${address}" title="${says}">${formatNumber(value, 2)}${MARKS[mark]}</a>`,
    sort: value,
  };
}

/** Everything about a score, in lines. */
function sayScore({ name, kind }: Method, { summary }: Field): string {
  const { experiment, score, difference, p, adjustedP } = summary;
  const lines = [`${name} in ${experiment}`, `score ${sayInterval(score)}`];
  if (difference !== null) {
    lines.push(`minus GRPO’s ${sayInterval(difference)}`);
    if (kind === 'reference') lines.push('reference: not tested');
    else if (adjustedP === null) lines.push('not tested: the same difference in every seed');
    else lines.push(`p ${sayP(p!)}, after Holm ${sayP(adjustedP)}`);
  }
  const mark = toldApart(summary);
  if (mark !== 0) lines.push(`told apart: ${mark > 0 ? 'above' : 'below'} GRPO`);
  return lines.join('\n');
}

function sayCredit({ name }: Method, { summary: { experiment }, unit }: Field): string {
  const line = (label: string, measure: Parameters<typeof creditInterval>[1]): string => {
    const interval = creditInterval(unit, measure);
    return `${label} ${interval === null ? 'not defined' : sayInterval(interval)}`;
  };
  return [
    `${name} in ${experiment}`,
    line('rank correlation', 'rankCorrelation'),
    line('sign errors', 'signErrors'),
    line('leakage', 'leakage'),
  ].join('\n');
}

const scale = (): Markup =>
  html`<div class="scale" aria-hidden="true"><span>−1</span><span class="steps">${ALL_STEPS.map(
    (step) => html`<b class="${stepClass(step)}"></b>`,
  )}</span><span>1</span><span>the middle is 0; numbers beyond have the color of the end</span></div>`;

const everyField = ({ methods, experiments, field }: ProfileView): readonly Field[] =>
  methods.flatMap(({ name }) => experiments.flatMap(({ id }) => field(name, id) ?? []));
