import { creditInterval } from '../../bench/profile/credit.ts';
import { html, type Markup } from '../html/markup.ts';
import { type Entry, formatNumber, type Head, sortableTable, type Value } from '../html/table.ts';
import { swatch } from '../html/view.ts';
import { tagOf } from './heat.ts';
import { MARGIN, powerOf, VERDICTS, type Verdict, verdictOf } from './verdict.ts';
import type { Field, Method, ProfileView } from './view.ts';
import { sayP, signed, withEnds } from './words.ts';

/** More methods than this are closed at first. */
const MOST_OPEN = 8;

/** Every method's own page: what it is good at, with all its numbers. */
export function methodsSection(view: ProfileView): Markup {
  const { methods } = view;
  return html`<section id="methods"><h2>Each method</h2>
${methods.length > 1 && explanation(view)}
${methods.map((method) => methodPage(view, method))}</section>`;
}

const explanation = ({ comparisons, seeds }: ProfileView): Markup =>
  html`<p>Against GRPO, in the learning score. <b>Strong</b> and <b>weak</b>: told apart from GRPO (▲, ▼). <b>Indifferent</b>: not told apart, and the whole 95 % interval of the difference is within ±${MARGIN}. <b>Undecided</b>: not told apart, and ${seeds} seeds cannot exclude a difference of more than ${MARGIN}.</p>
<p>Seeds: how many it takes to tell a difference apart with a chance of 80 %, by the paired t test at 5 % divided by the ${comparisons} comparisons of this run, Holm’s hardest step. “Up to” is with the deviation that so few seeds leave possible (its upper 80 % limit). “As seen” is for the difference that was seen. It is often smaller in truth, so that number is too low rather than too high. New seeds have to be in a new run: the seeds of this one do not count twice.</p>`;

interface Line {
  readonly field: Field;
  readonly index: number;
  readonly verdict: Verdict | null;
}

function methodPage(view: ProfileView, method: Method): Markup {
  const lines = view.experiments.flatMap(({ id }, index): readonly Line[] => {
    const field = view.field(method.name, id);
    if (field === undefined) return [];
    const verdict = method.kind === 'reference' ? null : verdictOf(field.summary);
    return [{ field, index, verdict }];
  });
  // Within a verdict the largest difference stands first.
  const place = ({ verdict }: Line): number => (verdict === null ? 0 : VERDICTS.indexOf(verdict));
  const size = ({ field }: Line): number => Math.abs(field.summary.difference?.value ?? 0);
  const ordered = lines.toSorted((a, b) => place(a) - place(b) || size(b) - size(a));
  const isOpen = view.methods.length <= MOST_OPEN;
  return html`<details class="method"${isOpen && html` open`}><summary>${swatch(method.look)} <h3>${method.name}</h3>${tagOf(method)}</summary>
<div id="${method.id}">${verdicts(method, lines)}
${methodTable(view, method, ordered)}</div></details>`;
}

const LABELS: Readonly<Record<Verdict, string>> = {
  strong: 'Strong at',
  weak: 'Weak at',
  indifferent: 'Indifferent to',
  undecided: 'Undecided',
};

function verdicts({ kind }: Method, lines: readonly Line[]): Markup {
  if (kind === 'baseline') return html`<p>What the others are compared with.</p>`;
  if (kind === 'reference') {
    return html`<p>Not of this run: shipped scores with the same levels and seeds. Differences are from this run’s GRPO and are not tested.</p>`;
  }
  const items = VERDICTS.map((verdict) => {
    const own = lines
      .filter((line) => line.verdict === verdict)
      .toSorted(
        (a, b) => Math.abs(b.field.summary.difference!.value) - Math.abs(a.field.summary.difference!.value),
      );
    const said = own.map(
      ({ field: { summary } }, index) =>
        html`${index > 0 && ', '}${summary.experiment} <span class="number">${signed(summary.difference!.value, 2)}</span>`,
    );
    return html`<li><b>${LABELS[verdict]}:</b> ${own.length === 0 ? 'none' : said}</li>`;
  });
  return html`${
    kind === 'again' &&
    html`<p>GRPO with other random numbers. Whatever is strong or weak here is a false alarm.</p>`
  }<ul class="verdicts">${items}</ul>`;
}

function methodTable(view: ProfileView, method: Method, lines: readonly Line[]): Markup {
  const isCompared = method.kind !== 'baseline';
  const isTested = method.kind === 'asked' || method.kind === 'again';
  const heads: readonly Head[] = [
    { label: 'experiment' },
    ...(isTested ? [{ label: 'against GRPO' }] : []),
    ...(isCompared ? [{ label: 'difference', unit: '95 % interval' }] : []),
    ...(isTested
      ? [
          { label: 'p', unit: 'after Holm' },
          { label: 'seeds', unit: `to find ${MARGIN}` },
          { label: 'seeds', unit: 'to find as seen' },
        ]
      : []),
    { label: 'score', unit: '95 % interval' },
    {
      label: 'rank correlation',
      unit: 'credit, 95 % interval',
      hint: 'Spearman’s, of the credit of sampled actions with their exact advantages, at the starting policy',
    },
    {
      label: 'sign errors',
      unit: 'credit, 0..1',
      hint: 'share of the actions that matter whose credit has the wrong sign; none counts half',
    },
    {
      label: 'leakage',
      unit: 'credit, 0..1',
      hint: 'share of all credit that lies on actions where nothing matters',
    },
    { label: 'learning rate', unit: 'chosen', hint: 'by its tuning score, on seeds of its own' },
    {
      label: 'rates',
      unit: 'within 5 %',
      hint: 'share of the rates tried whose tuning score is within 5 % of the best one’s: how forgiving the method is',
    },
  ];
  const rows = lines.map(({ field, verdict }): readonly Value[] => {
    const { summary, unit } = field;
    return [
      { content: summary.experiment, sort: summary.experiment },
      ...(isTested ? [verdictEntry(verdict)] : []),
      ...(isCompared ? [withEnds(summary.difference, signed)] : []),
      ...(isTested
        ? [
            { content: summary.adjustedP === null ? '–' : sayP(summary.adjustedP), sort: summary.adjustedP },
            ...powerEntries(view, field, verdict),
          ]
        : []),
      withEnds(summary.score),
      withEnds(creditInterval(unit, 'rankCorrelation'), formatNumber, 2),
      withEnds(creditInterval(unit, 'signErrors'), formatNumber, 2),
      withEnds(creditInterval(unit, 'leakage'), formatNumber, 2),
      rateEntry(field),
      {
        content: `${formatNumber(100 * summary.rateTolerance, 0)} %`,
        sort: summary.rateTolerance,
      },
    ];
  });
  return sortableTable(
    `${method.name} in every experiment`,
    heads,
    rows,
    (row) => html` id="${method.id}-${lines[row]!.index}"`,
  );
}

const MARKS: Readonly<Record<Verdict, string>> = { strong: '▲ ', weak: '▼ ', indifferent: '', undecided: '' };

const verdictEntry = (verdict: Verdict | null): Value =>
  verdict === null ? null : { content: `${MARKS[verdict]}${verdict}`, sort: `${VERDICTS.indexOf(verdict)}` };

function powerEntries(view: ProfileView, { summary }: Field, verdict: Verdict | null): readonly Value[] {
  if (verdict !== 'undecided') return [null, null];
  const { margin, marginAtMost, seen } = powerOf(summary, view.comparisons);
  return [
    margin === null
      ? null
      : {
          content: html`${margin}<small>up to ${marginAtMost ?? 'over a million'}</small>`,
          sort: margin,
        },
    seen,
  ];
}

function rateEntry({ summary, unit }: Field): Entry {
  const tried = unit.rates.map(({ rate, score }) => `${rate}: ${formatNumber(score, 3)}`).join('\n');
  return {
    content: html`<span title="tuning score by rate\n${tried}">${summary.rate}</span>`,
    sort: summary.rate,
  };
}
