import type { GroupAnalysis } from '../analyzed.ts';
import { divergedSeeds } from './cells.ts';
import { type Content, html, type Markup } from './markup.ts';
import { formatNumber } from './table.ts';
import { labelOf, sayInterval, type View } from './view.ts';

/** Environments that the first screen describes one by one, at most. */
const MOST = 4;
/** Below this adjusted p a difference is called one. */
const LEVEL = 0.05;

/** The first screen, in words: what was compared, what was found, how sure it is, what failed. */
export function summarySection(view: View): Markup {
  const failures = whatFailed(view);
  const hasFailures = failures.length > 0;
  return html`<div class="summary" id="summary">
<section><h2>What was compared</h2><ul>${list(whatWasCompared(view))}</ul></section>
<section><h2>What was found</h2><ul>${list(whatWasFound(view))}</ul></section>
<section><h2>How sure this is</h2><ul>${list(howSure(view))}</ul></section>
<section${hasFailures && html` class="alarm"`}><h2>What failed</h2><ul>${list(
    hasFailures ? failures : [`Nothing: all ${view.sources.cells.length} cells finished.`],
  )}</ul></section></div>`;
}

const list = (items: readonly Content[]): readonly Markup[] => items.map((item) => html`<li>${item}</li>\n`);

const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;

function named(names: readonly string[], most = 8): string {
  const rest = names.length - most;
  return rest > 0 ? `${names.slice(0, most).join(', ')} and ${rest} more` : names.join(', ');
}

function whatWasCompared(view: View): readonly Content[] {
  const { sources, algorithms, environments, settings } = view;
  if (sources.cells.length === 0) return ['No training run is part of this report.'];
  const seeds = view.analysis.groups.map(({ finished, failed, missing }) => finished + failed + missing);
  const [least, most] = [Math.min(...seeds), Math.max(...seeds)];
  const runs = settings.map(({ name }, index) => name ?? sources.runs[index]!.folder);
  return [
    html`${count(algorithms.length, 'algorithm')} (${named(algorithms)}) in ${count(environments.length, 'environment')} (${named(environments)}).`,
    html`${count(sources.runs.length, 'run')} (${named(runs)}), ${least === most ? count(least, 'seed') : `${least} to ${most} seeds`} each: ${count(sources.cells.length, 'cell')}.`,
    `${sources.runs.length === 1 ? 'All' : 'Within a run, all'} met the same questions in the same order, from the same starting weights.`,
  ];
}

function whatWasFound(view: View): readonly Content[] {
  if (view.analysis.groups.every(({ finished }) => finished === 0)) return ['Nothing: no cell finished.'];
  const lines = view.environments.slice(0, MOST).flatMap((environment) => foundIn(view, environment));
  const rest = view.environments.length - MOST;
  return rest > 0 ? [...lines, `${count(rest, 'more environment')} below.`] : lines;
}

function foundIn(view: View, environment: string): readonly Content[] {
  const scored = view
    .groupsOf(environment)
    .filter(({ score }) => score !== null && Number.isFinite(score.value));
  if (scored.length === 0) return [html`<b>${environment}</b>: no scores.`];
  const byScore = scored.toSorted((a, b) => b.score!.value - a.score!.value);
  const [best, last] = [byScore[0]!, byScore.at(-1)!];
  const start =
    best.start === null || !Number.isFinite(best.start.value)
      ? ''
      : ` from ${formatNumber(best.start.value, 3)}`;
  const isTie = best.score!.value === last.score!.value;
  const label = labelOf(view, environment);
  const range =
    best === last
      ? html`<b>${environment}</b>: ${best.algorithm} ends at ${label} ${sayInterval(best.score!)}${start}.`
      : isTie
        ? html`<b>${environment}</b>: all ${scored.length} algorithms end at ${label} ${formatNumber(best.score!.value, 3)}${start}.`
        : html`<b>${environment}</b>: ${label} goes${start} to between ${formatNumber(last.score!.value, 3)} (${last.algorithm}) and ${formatNumber(best.score!.value, 3)} (${best.algorithm}).`;
  return [html`${range} ${differences(view, environment)} ${savings(scored)}`];
}

function differences(view: View, environment: string): string {
  const tested = view.analysis.pairs.filter(
    (pair) => pair.environment === environment && pair.adjustedP !== null,
  );
  if (tested.length === 0) return '';
  const told = tested.filter(({ adjustedP }) => adjustedP! < LEVEL);
  if (told.length === 0) return 'No algorithm is told apart from the baseline.';
  const words = told.map(({ algorithm, difference, baseline }) => {
    const value = difference?.value ?? Number.NaN;
    return `${algorithm} is ${value > 0 ? 'above' : 'below'} ${baseline} by ${formatNumber(Math.abs(value), 3)}`;
  });
  return `${named(words, 4)}.`;
}

/** The greatest savings of update and of rollout actions. */
function savings(groups: readonly GroupAnalysis[]): string {
  const say = (cost: 'update_actions' | 'rollout_actions', label: string): string | undefined => {
    const known = groups.flatMap(({ algorithm, costs }) => {
      const { ratio } = costs[cost];
      return ratio === null || !Number.isFinite(ratio) ? [] : [{ algorithm, ratio }];
    });
    const least = known.toSorted((a, b) => a.ratio - b.ratio)[0];
    if (least === undefined || least.ratio > 0.95) return undefined;
    return `${formatNumber(100 * (1 - least.ratio), 0)} % fewer ${label} (${least.algorithm})`;
  };
  const parts = [say('update_actions', 'update actions'), say('rollout_actions', 'rollout actions')].filter(
    (part) => part !== undefined,
  );
  return parts.length === 0
    ? ''
    : `Up to ${parts.join(' and ')} than ${[...new Set(groups.flatMap(({ ratiosTo }) => ratiosTo ?? []))].join(', ')}.`;
}

function howSure({ analysis }: View): readonly Content[] {
  const { groups, pairs, options } = analysis;
  const methods = [...new Set(groups.flatMap(({ score }) => (score === null ? [] : [score.method])))];
  if (methods.length === 0) return ['There is nothing to be sure of.'];
  const words: Readonly<Record<string, string>> = {
    t: 'Student’s t',
    BCa: `bias-corrected accelerated bootstrap (${options.replicates} draws, seed ${options.seed})`,
    'exact binomial': 'exact binomial',
    none: 'none where there are fewer than two seeds, or a score is not a number',
  };
  const least = Math.min(...groups.map(({ finished }) => finished));
  const tests = pairs.find(({ adjustedP }) => adjustedP !== null);
  return [
    `The training seed is the unit: means over seeds with ${100 * options.confidence} % intervals (${methods.map((method) => words[method]).join('; ')}).`,
    tests === undefined
      ? 'No difference was tested.'
      : `Differences are paired by seed and tested with a paired t test, adjusted by Holm for ${count(tests.comparisons, 'comparison')}; called different below ${LEVEL}.`,
    ...(least < 5
      ? [
          `With ${count(least, 'finished seed')} in the smallest group this is a look, not a claim: use 10 seeds for one.`,
        ]
      : least < 10
        ? [
            `With ${count(least, 'finished seed')} in the smallest group small differences cannot be seen: use 10 seeds for a claim.`,
          ]
        : []),
    'Intervals speak of seeds, not of other questions or other models.',
  ];
}

function whatFailed(view: View): readonly Content[] {
  const { cells } = view.sources;
  const failed = cells.filter(({ status }) => status === 'failed');
  const missing = cells.filter(({ status }) => status === 'missing');
  const diverged = divergedSeeds(view);
  const names = (members: readonly { readonly algorithm: string }[]) =>
    named([...new Set(members.map(({ algorithm }) => algorithm))], 4);
  return [
    ...(failed.length > 0
      ? [
          html`${count(failed.length, 'cell')} of ${cells.length} failed (${names(failed)}) and are in no mean.`,
        ]
      : []),
    ...(missing.length > 0
      ? [html`${count(missing.length, 'cell')} of ${cells.length} were not run (${names(missing)}).`]
      : []),
    ...(diverged.length > 0
      ? [
          html`${count(diverged.length, 'finished seed')} ended without a number as score (${names(diverged)}): no mean is given there.`,
        ]
      : []),
    ...(failed.length + missing.length + diverged.length > 0
      ? [html`<a href="#failures">Which and why</a>`]
      : []),
  ];
}
