import { toldApart } from '../../bench/profile/summary.ts';
import { html, type Markup } from '../html/markup.ts';
import { formatNumber } from '../html/table.ts';
import type { Method, ProfileView } from './view.ts';
import { count, list } from './words.ts';

/** Methods that are spoken of at the top. */
const MOST = 12;

/** What was compared, what was found, and how sure that is. */
export function profileSummary(view: ProfileView): Markup {
  const notes = referenceNotes(view);
  return html`<div class="summary">
<section><h2>What was compared</h2><ul>${compared(view).map((text) => html`<li>${text}</li>`)}</ul></section>
<section><h2>What was found</h2><ul>${found(view)}</ul></section>
${check(view)}
${notes.length > 0 && html`<section><h2>Reference scores</h2><ul>${notes.map((text) => html`<li>${text}</li>`)}</ul></section>`}
</div>`;
}

function compared(view: ProfileView): readonly string[] {
  const { methods, experiments, seeds } = view;
  const own = methods.filter(({ kind }) => kind !== 'reference');
  const fewer = experiments.filter(({ known, levels }) => known && levels.length < known.knob.levels.length);
  return [
    `${count(own.length, 'method')} in ${count(experiments.length, 'experiment')} with ${count(seeds, 'seed')} each${
      own.length === 1 ? ': nothing to compare GRPO with' : ''
    }.`,
    'All methods get the same number of sampled actions; the learning rate is chosen per method and experiment.',
    ...(fewer.length > 0
      ? [
          `A quick look: ${fewer.length === experiments.length ? 'every experiment' : list(fewer.map(({ id }) => id))} at ${Math.min(
            ...fewer.map(({ levels }) => levels.length),
          )} levels of the knob only.`,
        ]
      : []),
    ...(seeds < 10
      ? [`Few seeds: intervals over ${seeds} are wide, and only large differences are told apart.`]
      : []),
  ];
}

function found(view: ProfileView): Markup {
  const asked = view.methods.filter(({ kind }) => kind === 'asked');
  if (asked.length === 0) return html`<li>GRPO alone: its scores and its credit.</li>`;
  const lines = asked.map((method) => ({ method, ...marksOf(view, method) }));
  const told = lines.filter(({ above, below }) => above + below > 0);
  const shown = told.slice(0, MOST);
  const same = lines.length - told.length;
  return html`${shown.map(
    ({ method, above, below }) =>
      html`<li><a href="#${method.id}">${method.name}</a>: ${[
        ...(above > 0 ? [`above GRPO in ${above}`] : []),
        ...(below > 0 ? [`below ${above > 0 ? '' : 'GRPO '}in ${below}`] : []),
      ].join(', ')} of ${count(view.experiments.length, 'experiment')}${
        method.score !== null &&
        view.experiments.length > 1 &&
        html`; mean score ${formatNumber(method.score.value, 2)}`
      }</li>`,
  )}${told.length > shown.length && html`<li>${told.length - shown.length} more are told apart somewhere: see the table</li>`}${
    same > 0 &&
    html`<li>${same === lines.length ? 'No method' : count(same, 'method')} ${same === lines.length ? 'is' : same === 1 ? 'is not' : 'are not'} told apart from GRPO${same === lines.length ? '' : ' anywhere'}; that does not show that they are equal</li>`
  }`;
}

function check(view: ProfileView): Markup {
  const again = view.methods.filter(({ kind }) => kind === 'again');
  const marks = again.map((method) => marksOf(view, method));
  const alarms = marks.reduce((sum, { above, below }) => sum + above + below, 0);
  return html`<section${alarms > 0 && html` class="alarm"`}><h2>How sure is that?</h2><ul>
<li>${
    view.comparisons === 0
      ? 'Nothing is tested.'
      : `Holm’s adjustment counts ${count(view.comparisons, 'comparison')} with GRPO: the chance of one false mark or more is at most 5 %.`
  }</li>
<li>${
    again.length === 0
      ? 'No false-positive check: --again adds GRPO with other random numbers.'
      : alarms === 0
        ? 'GRPO with other random numbers is marked nowhere, as it must be.'
        : `GRPO with other random numbers is marked ${alarms === 1 ? 'once' : `${alarms} times`}: a false alarm. Do not trust the other marks there.`
  }</li></ul></section>`;
}

function marksOf({ experiments, field }: ProfileView, { name }: Method) {
  const marks = experiments.map(({ id }) => {
    const one = field(name, id);
    return one === undefined ? 0 : toldApart(one.summary);
  });
  return {
    above: marks.filter((mark) => mark > 0).length,
    below: marks.filter((mark) => mark < 0).length,
  };
}

function referenceNotes({ profile, methods }: ProfileView): readonly string[] {
  const { reference, leftOut, changed } = profile;
  const shown = methods.filter(({ kind }) => kind === 'reference').length;
  const names = (of: readonly { readonly algorithm: string }[]) => [
    ...new Set(of.map(({ algorithm }) => algorithm)),
  ];
  const where = (of: readonly { readonly experiment: string }[]) =>
    count(new Set(of.map(({ experiment }) => experiment)).size, 'experiment');
  const because = (reason: 'levels' | 'seeds') => leftOut.filter((one) => one.because === reason);
  const [levels, seeds] = [because('levels'), because('seeds')];
  return [
    ...(reference.length > 0
      ? [
          `${count(shown, 'method')} tagged “reference” are not of this run: shipped scores with the same levels and seeds. They are not tested and do not count in Holm’s adjustment.`,
        ]
      : []),
    ...(levels.length > 0
      ? [
          `Left out in ${where(levels)}, because their levels are not those of this run (--quick runs two of each): ${list(names(levels))}.`,
        ]
      : []),
    ...(seeds.length > 0
      ? [`Left out in ${where(seeds)}, because they lack seeds of this run: ${list(names(seeds))}.`]
      : []),
    ...(changed.length > 0
      ? [
          `The reference has other scores in ${where(changed)} for methods that this run measured, too: ${list(names(changed))}. It is another method of that name, or the reference is of another version; ${
            names(changed).includes('grpo')
              ? 'GRPO is among them: do not compare the reference with this run'
              : 'this run’s scores are shown'
          }.`,
        ]
      : []),
  ];
}
