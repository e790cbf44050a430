import * as Plot from '@observablehq/plot';
import { column } from '../../bench/columns.ts';
import type { GroupAnalysis } from '../analyzed.ts';
import { commonLabel, commonUnit, hasSeveralScores, scoreLabel } from '../score.ts';
import { draw, extent, leftMargin, shorten } from './draw.ts';
import { figure } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { decimal, formatNumber, sortableTable, type Value } from './table.ts';
import { fileName, labelOf, sayInterval, swatch, type View } from './view.ts';

const COLUMNS = [
  column('environment', 'id', 'environment and its version'),
  column('algorithm', 'name', 'algorithm'),
  column('seed', 'integer', 'training seed; empty: mean over seeds'),
  column('score', 'name', 'what the environment is scored by'),
  column('value', 'score', 'the score after training'),
  column('low', '0..1', 'lower end of its 95 % interval over seeds'),
  column('high', '0..1', 'upper end'),
  column('method', 'name', 'how the interval was made'),
  column('seeds', 'count', 'seeds in the mean'),
] as const;

/** The table of everything and the interval plot of final scores. */
export function scoresSection(view: View): Markup {
  return html`<section id="scores"><h2>Scores</h2>${scoreTable(view)}
<div class="figures">${view.drawn.map((environment, index) => intervalFigure(view, environment, index))}</div></section>`;
}

function scoreTable(view: View): Markup {
  const several = view.environments.length > 1;
  const { groups } = view.analysis;
  const scores = hasSeveralScores(groups);
  const [label, unit] = [commonLabel(groups), commonUnit(groups)];
  const hasExactMatch = groups.some(({ em }) => em !== null);
  const withGap = groups.some(({ optimalityGap }) => optimalityGap !== null);
  const withSteps = groups.some(({ steps }) => steps !== null);
  const heads = [
    { label: 'algorithm' },
    ...(several ? [{ label: 'environment' }] : []),
    { label: 'seeds', unit: 'finished', hint: 'finished cells: what the means are over' },
    ...(scores ? [{ label: 'score', hint: 'what the environment is scored by' }] : []),
    { label: `${label} before`, unit },
    { label: `${label} after`, unit: `${unit}, 95 % interval`, hint: 'mean over seeds' },
    {
      label: 'over questions',
      unit: 'standard error',
      hint: 'how well the dev questions measure one policy, mean over seeds; not part of the intervals',
    },
    { label: 'gain', unit: '95 % interval', hint: `${label} after minus before` },
    { label: 'IQM', unit: '95 % interval', hint: 'interquartile mean over seeds' },
    ...(hasExactMatch ? [{ label: 'dev EM', unit: '0..1' }] : []),
    { label: 'area', unit, hint: `mean height of the curve of ${label} over its iterations` },
    ...(withGap ? [{ label: 'gap to oracle', unit: '0..1' }] : []),
    ...(withSteps ? [{ label: 'steps to threshold', unit: 'iterations, median' }] : []),
    { label: 'update actions', unit: 'per question' },
    { label: 'rollout actions', unit: 'per question' },
    { label: 'entropy', unit: 'nats, last iteration' },
  ];
  const rows = groups.map((group): readonly Value[] => [
    { content: html`${swatch(view.lookOf(group.algorithm))} ${group.algorithm}`, sort: group.algorithm },
    ...(several ? [group.environment] : []),
    seedCount(group),
    ...(scores ? [group.declared === null ? null : scoreLabel(group.declared)] : []),
    decimal(group.start?.value, 3),
    withInterval(group.score),
    decimal(group.questionError, 3),
    withInterval(group.gain),
    withInterval(group.scoreIqm),
    ...(hasExactMatch ? [decimal(group.em?.value, 3)] : []),
    decimal(group.auc?.value, 3),
    ...(withGap ? [withInterval(group.optimalityGap)] : []),
    ...(withSteps ? [stepsEntry(group)] : []),
    withRatio(group.costs.update_actions),
    withRatio(group.costs.rollout_actions),
    decimal(group.actionEntropy?.value, 3),
  ]);
  return html`${sortableTable('All algorithms', heads, rows)}
<p class="lead">Below a number: its 95 % interval over seeds and how it was made (t: Student’s; BCa: bootstrap). ×: ratio to GRPO of the same run. The whole table, with more columns, is <code>comparison.csv</code>.</p>`;
}

function seedCount({ finished, failed, missing }: GroupAnalysis): Value {
  return {
    content: html`${finished}${failed > 0 && html`<small class="bad">${failed} failed</small>`}${
      missing > 0 && html`<small class="bad">${missing} not run</small>`
    }`,
    sort: finished,
  };
}

function withInterval(interval: GroupAnalysis['score']): Value {
  if (interval === null) return null;
  const { value, low, high, method } = interval;
  const ends =
    low === null || high === null
      ? 'no interval'
      : `${formatNumber(low, 3)} to ${formatNumber(high, 3)}, ${method}`;
  return { content: html`${formatNumber(value, 3)}<small>${ends}</small>`, sort: value };
}

function withRatio({ value, ratio }: GroupAnalysis['costs']['update_actions']): Value {
  if (value === null) return null;
  return {
    content: html`${formatNumber(value, 1)}${ratio !== null && html`<small>${formatNumber(ratio, 2)}×</small>`}`,
    sort: value,
  };
}

function stepsEntry({ steps }: GroupAnalysis): Value {
  if (steps === null) return null;
  const reached = `${steps.reached} of ${steps.restrictedMean.n} seeds reach ${steps.threshold}`;
  return {
    content: html`${steps.median === null ? `> ${steps.horizon}` : formatNumber(steps.median, 0)}<small>${reached}</small>`,
    sort: steps.median ?? Number.MAX_VALUE,
  };
}

function intervalFigure(view: View, environment: string, index: number): Markup {
  const groups = view.groupsOf(environment);
  const label = labelOf(view, environment);
  const shown = groups.filter(({ score }) => score !== null && Number.isFinite(score.value));
  const names = shown.map(({ algorithm }) => algorithm);
  const dots = (group: GroupAnalysis) =>
    group.seeds.flatMap(({ seed, score }) =>
      score === null || !Number.isFinite(score)
        ? []
        : [
            {
              x: score,
              name: group.algorithm,
              says: `${group.algorithm}, seed ${seed}: ${formatNumber(score, 4)}`,
            },
          ],
    );
  const marks = shown.flatMap((group) => {
    const { className, color, symbol } = view.lookOf(group.algorithm);
    const score = group.score!;
    const says = `${group.algorithm}\n${label} ${sayInterval(score, 4)}`;
    const mean = [{ name: group.algorithm, x: score.value, low: score.low, high: score.high, says }];
    return [
      Plot.dot(dots(group).slice(0, 60), {
        x: 'x',
        y: 'name',
        r: 2,
        fill: color,
        fillOpacity: 0.5,
        title: 'says',
        className,
        dy: 6,
      }),
      ...(score.low === null
        ? []
        : [
            Plot.ruleY(mean, {
              x1: 'low',
              x2: 'high',
              y: 'name',
              stroke: color,
              strokeWidth: 2.5,
              title: 'says',
              className,
            }),
          ]),
      Plot.dot(mean, { x: 'x', y: 'name', r: 4.5, fill: color, symbol, title: 'says', className }),
    ];
  });
  const left = names.length - groups.length;
  return figure(`scores-${index}`, `Final ${label} in ${environment}`, {
    says: html`Large: mean over seeds with its 95 % interval; small: single seeds. Intervals that overlap do not show that two algorithms are equal, nor the other way round: the paired differences below do that.${
      left < 0 && ` ${-left} of ${groups.length} algorithms have no score.`
    }`,
    charts:
      shown.length === 0
        ? html`<p class="empty">no finished cell has a score</p>`
        : html`<div class="charts"><div>${draw(
            `final ${label} of ${names.length} algorithms in ${environment}`,
            {
              height: 50 + 26 * names.length,
              marginLeft: leftMargin(names),
              marginBottom: 36,
              x: {
                label: `${label} after training, ${commonUnit(groups)}`,
                grid: true,
                nice: true,
                ticks: 5,
                domain: domainOf(shown),
              },
              y: { label: null, domain: names, tickFormat: (name: string) => shorten(name), tickSize: 0 },
              marks,
            },
          )}</div></div>`,
    data: {
      name: fileName('scores', environment),
      columns: COLUMNS,
      rows: groups.flatMap(({ algorithm, declared, score, seeds }) => [
        {
          environment,
          algorithm,
          score: declared?.name ?? null,
          seed: null,
          value: score?.value ?? null,
          low: score?.low ?? null,
          high: score?.high ?? null,
          method: score?.method ?? null,
          seeds: score?.n ?? 0,
        },
        ...seeds.map(({ seed, score: own }) => ({
          environment,
          algorithm,
          score: declared?.name ?? null,
          seed,
          value: own,
        })),
      ]),
    },
  });
}

const domainOf = (groups: readonly GroupAnalysis[]): readonly [number, number] =>
  extent(
    groups.flatMap(({ score, seeds }) => [
      score!.value,
      score!.low ?? score!.value,
      score!.high ?? score!.value,
      ...seeds.flatMap((seed) => (seed.score === null ? [] : [seed.score])),
    ]),
  );
