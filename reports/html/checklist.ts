import type { GroupAnalysis } from '../analyzed.ts';
import { commonScore } from '../score.ts';
import { html, type Markup } from './markup.ts';
import { describeOptions, describeValue, type Settings, suiteAlgorithm } from './settings.ts';
import { formatNumber } from './table.ts';
import type { View } from './view.ts';

/** An item of the checklist. `answers` empty: not recorded. */
export interface ChecklistItem {
  readonly item: string;
  readonly isRequired: boolean;
  readonly answers: readonly string[];
}

/**
 * The reporting checklist for credit-assignment papers (14 items, arXiv 2604.09459, Table 11), from what the runs
 * recorded of themselves and nothing else.
 */
export function checklist(view: View): readonly ChecklistItem[] {
  const entry = (
    item: string,
    isRequired: boolean,
    answers: readonly (string | undefined)[],
  ): ChecklistItem => ({
    item,
    isRequired,
    answers: [...new Set(answers.filter((answer) => answer !== undefined))],
  });
  return [
    entry(
      'model name and size',
      true,
      environmentsOf(view, ({ policy }) =>
        policy === undefined
          ? undefined
          : `${policy.id} (${describeOptions(policy.options)}); number of weights not recorded`,
      ),
    ),
    entry('data source and filter', true, [
      ...environmentsOf(view, ({ id, options }) => `${id}: ${describeOptions(options)}`),
      ...fingerprints(view),
    ]),
    entry(
      'credit granularity',
      true,
      describedAlgorithms(view, (known) => known.granularity),
    ),
    entry(
      'method family',
      true,
      describedAlgorithms(view, (known) =>
        [known.title, known.extraSamples ? `extra samples: ${known.extraSamples}` : 'no extra samples'].join(
          '; ',
        ),
      ),
    ),
    entry('at least one episode-level baseline on the same model', true, episodeBaselines(view)),
    entry('same compute, or an explicit comparison', true, costComparison(view)),
    entry('component ablation', false, ablations(view)),
    entry(
      'benchmark and split',
      true,
      environmentsOf(view, ({ id, training }) =>
        training === undefined
          ? undefined
          : `${id}: dev questions (${describeValue(training.evaluationQuestions)}, ${describeValue(training.evaluationEpisodes)} episodes each)`,
      ),
    ),
    entry(
      'exact definition of the metric',
      true,
      environmentsOf(view, ({ id, training }) =>
        training === undefined
          ? undefined
          : `${id}: ${describeScore(view, id)} on dev questions, decoding ${describeValue(training.evaluationDecoding)}, after the last iteration (no checkpoint is selected)`,
      ),
    ),
    entry('variance over at least 3 seeds, or an interval', true, seedAnswers(view)),
    entry('total GPU-hours', true, hours(view)),
    entry('overhead of credit assignment', false, overhead(view)),
    entry('mean length of trajectories', true, lengths(view)),
    entry('distribution of lengths', false, []),
  ];
}

/** The checklist as a table. */
export function checklistSection(view: View): Markup {
  const items = checklist(view);
  const missing = items.filter(({ answers }) => answers.length === 0).length;
  return html`<section id="checklist"><h2>Reporting checklist</h2>
<p>The 14 items that the survey of credit assignment (arXiv 2604.09459) asks a paper to report, filled from what the runs recorded of themselves. ${missing} ${missing === 1 ? 'is' : 'are'} not recorded.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Reporting checklist"><table><thead><tr><th scope="col">item</th><th scope="col">required</th><th scope="col">recorded</th></tr></thead><tbody>
${items.map(
  ({ item, isRequired, answers }) =>
    html`<tr><th scope="row">${item}</th><td>${isRequired ? 'yes' : 'no'}</td><td class="wide">${
      answers.length === 0
        ? html`<span class="unknown">not recorded</span>`
        : answers.map((answer) => html`<div>${answer}</div>`)
    }</td></tr>\n`,
)}</tbody></table></div></section>`;
}

const SCORES: Readonly<Record<string, string>> = {
  f1: 'mean token F1 of the final answer',
  em: 'mean exact match of the final answer',
  return: 'mean return (sum of rewards)',
};

function describeScore(view: View, environment: string): string {
  const score = commonScore(view.groupsOf(environment));
  if (score === null) return 'score not recorded:';
  return SCORES[score.name] ?? `mean ${score.name}`;
}

type Environment = NonNullable<Settings['environments']>[number];

const environmentsOf = (view: View, describe: (environment: Environment) => string | undefined) =>
  view.settings.flatMap(({ environments = [] }) => environments.map(describe));

function fingerprints({ environments, sources }: View): readonly string[] {
  return environments.flatMap((environment) => {
    const found = sources.cells.find(
      (cell) => cell.environment === environment && cell.fingerprint !== undefined,
    );
    return found === undefined ? [] : [`${environment}: fingerprint ${found.fingerprint!.slice(0, 16)}`];
  });
}

/** How a group's algorithm describes itself, if recorded. */
const knownAlgorithm = (view: View, group: GroupAnalysis) => suiteAlgorithm(view, group)?.description;

type Known = NonNullable<ReturnType<typeof knownAlgorithm>>;

function describedAlgorithms(view: View, describe: (known: Known) => string): readonly string[] {
  return view.analysis.groups.map((group) => {
    const known = knownAlgorithm(view, group);
    return `${group.algorithm}: ${known === undefined ? 'not recorded' : describe(known)}`;
  });
}

function episodeBaselines(view: View): readonly string[] {
  return view.environments.flatMap((environment) => {
    const names = view
      .groupsOf(environment)
      .filter((group) => group.finished > 0 && knownAlgorithm(view, group)?.granularity === 'trajectory')
      .map(({ algorithm }) => algorithm);
    return names.length === 0 ? [] : [`${environment}: ${names.join(', ')}`];
  });
}

function costComparison(view: View): readonly string[] {
  return view.analysis.groups.flatMap(({ environment, algorithm, costs }) => {
    const { generated_tokens: tokens, rollout_actions: rolled, update_actions: updated } = costs;
    if (tokens.ratio === null || rolled.ratio === null || updated.ratio === null) return [];
    return [
      `${environment}, ${algorithm}: ${formatNumber(tokens.ratio, 2)}× GRPO’s tokens, ${formatNumber(rolled.ratio, 2)}× rollout actions, ${formatNumber(updated.ratio, 2)}× update actions`,
    ];
  });
}

/** Entries of one algorithm that differ in options are an ablation or a sweep; controls are named by what they are. */
function ablations(view: View): readonly string[] {
  const entries = view.analysis.groups.map((group) => ({
    name: group.algorithm,
    id: group.algorithmId,
    options: suiteAlgorithm(view, group)?.options,
  }));
  return [...new Set(entries.map(({ id }) => id))].flatMap((id) => {
    const own = entries.filter((entry) => entry.id === id && entry.options !== undefined);
    const distinct = new Map(own.map(({ name, options }) => [JSON.stringify(options), name]));
    return distinct.size < 2 ? [] : [`${id} with different options: ${[...distinct.values()].join(', ')}`];
  });
}

function seedAnswers(view: View): readonly string[] {
  return view.analysis.groups.flatMap(({ environment, algorithm, f1, finished }) => {
    if (f1 === null) return [];
    const how = f1.method === 'none' ? 'no interval' : `95 % interval (${f1.method})`;
    return [
      `${environment}, ${algorithm}: ${finished} ${finished === 1 ? 'seed' : 'seeds'}, ${how}${f1.method === 'none' && finished < 3 ? ': not met' : ''}`,
    ];
  });
}

/** Seconds of all finished cells; the only backends are on the CPU unless the suite says otherwise. */
function hours({ sources, settings }: View): readonly string[] {
  const seconds = sources.cells
    .flatMap(({ timings }) => timings)
    .flatMap((row) => Object.entries(row))
    .reduce(
      (sum, [name, value]) => sum + (name.endsWith('_seconds') && typeof value === 'number' ? value : 0),
      0,
    );
  if (seconds === 0) return [];
  const backends = [...new Set(settings.map(({ backend }) => backend ?? 'not recorded'))];
  const total = `${formatNumber(seconds / 3600, 2)} hours of process time over all finished cells`;
  return backends.every((backend) => backend === 'wasm')
    ? [`none: backend wasm computes on the CPU; ${total}`]
    : [`${total}, backend ${backends.join(', ')}`];
}

function overhead({ analysis }: View): readonly string[] {
  return analysis.groups.flatMap(({ environment, algorithm, costs }) => {
    const { value, ratio } = costs.environment_calls;
    if (value === null) return [];
    const times = ratio === null ? '' : ` (${formatNumber(ratio, 2)}× GRPO’s)`;
    return [`${environment}, ${algorithm}: ${formatNumber(value, 1)} environment calls per question${times}`];
  });
}

function lengths({ sources, environments }: View): readonly string[] {
  return environments.flatMap((environment) => {
    const last = sources.cells
      .filter((cell) => cell.environment === environment && cell.status === 'finished')
      .flatMap(({ metrics }) =>
        metrics.flatMap((row) => (typeof row.dev_actions === 'number' ? [row.dev_actions] : [])).slice(-1),
      );
    if (last.length === 0) return [];
    const [low, high] = [Math.min(...last), Math.max(...last)];
    return [
      `${environment}: ${formatNumber(low, 2)} to ${formatNumber(high, 2)} actions per dev episode after training, over all cells`,
    ];
  });
}
