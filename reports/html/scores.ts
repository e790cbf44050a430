import * as Plot from '@observablehq/plot';
import { column } from '../../bench/columns.ts';
import type { GroupAnalysis } from '../analysis.ts';
import { draw, extent, leftMargin, shorten } from './draw.ts';
import { figure } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { decimal, formatNumber, sortableTable, type Value } from './table.ts';
import { fileName, sayInterval, swatch, type View } from './view.ts';

const COLUMNS = [
  column('environment', 'id', 'environment and its version'),
  column('algorithm', 'name', 'algorithm'),
  column('seed', 'integer', 'training seed; empty: mean over seeds'),
  column('dev_f1', '0..1', 'dev F1 after training'),
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
  const withGap = view.analysis.groups.some(({ optimalityGap }) => optimalityGap !== null);
  const withSteps = view.analysis.groups.some(({ steps }) => steps !== null);
  const heads = [
    { label: 'algorithm' },
    ...(several ? [{ label: 'environment' }] : []),
    { label: 'seeds', unit: 'finished', hint: 'finished cells: what the means are over' },
    { label: 'dev F1 before', unit: '0..1' },
    { label: 'dev F1 after', unit: '0..1, 95 % interval', hint: 'mean over seeds' },
    {
      label: 'over questions',
      unit: 'standard error',
      hint: 'how well the dev questions measure one policy, mean over seeds; not part of the intervals',
    },
    { label: 'gain', unit: '95 % interval', hint: 'dev F1 after minus before' },
    { label: 'IQM', unit: '95 % interval', hint: 'interquartile mean over seeds' },
    { label: 'dev EM', unit: '0..1' },
    { label: 'area', unit: '0..1', hint: 'mean height of the dev F1 curve over its iterations' },
    ...(withGap ? [{ label: 'gap to oracle', unit: '0..1' }] : []),
    ...(withSteps ? [{ label: 'steps to threshold', unit: 'iterations, median' }] : []),
    { label: 'update actions', unit: 'per question' },
    { label: 'rollout actions', unit: 'per question' },
    { label: 'entropy', unit: 'nats, last iteration' },
  ];
  const rows = view.analysis.groups.map((group): readonly Value[] => [
    { content: html`${swatch(view.lookOf(group.algorithm))} ${group.algorithm}`, sort: group.algorithm },
    ...(several ? [group.environment] : []),
    seedCount(group),
    decimal(group.start?.value, 3),
    withInterval(group.f1),
    decimal(group.questionError, 3),
    withInterval(group.gain),
    withInterval(group.f1Iqm),
    decimal(group.em?.value, 3),
    decimal(group.auc?.value, 3),
    ...(withGap ? [withInterval(group.optimalityGap)] : []),
    ...(withSteps ? [stepsEntry(group)] : []),
    withRatio(group.costs.update_actions),
    withRatio(group.costs.rollout_actions),
    decimal(group.actionEntropy?.value, 3),
  ]);
  return html`${sortableTable('All algorithms', heads, rows)}
<p class="lead">Below a number: its 95 % interval over seeds and how it was made (t: Student’s; BCa: bootstrap). ×: ratio to the baseline. The whole table, with more columns, is <code>comparison.csv</code>.</p>`;
}

function seedCount({ finished, failed, missing }: GroupAnalysis): Value {
  return {
    content: html`${finished}${failed > 0 && html`<small class="bad">${failed} failed</small>`}${
      missing > 0 && html`<small class="bad">${missing} not run</small>`
    }`,
    sort: finished,
  };
}

function withInterval(interval: GroupAnalysis['f1']): Value {
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
  const shown = groups.filter(({ f1 }) => f1 !== null && Number.isFinite(f1.value));
  const names = shown.map(({ algorithm }) => algorithm);
  const dots = (group: GroupAnalysis) =>
    group.seeds.flatMap(({ seed, f1 }) =>
      f1 === null || !Number.isFinite(f1)
        ? []
        : [
            {
              x: f1,
              name: group.algorithm,
              says: `${group.algorithm}, seed ${seed}: ${formatNumber(f1, 4)}`,
            },
          ],
    );
  const marks = shown.flatMap((group) => {
    const { className, color, symbol } = view.lookOf(group.algorithm);
    const f1 = group.f1!;
    const says = `${group.algorithm}\ndev F1 ${sayInterval(f1, 4)}`;
    const mean = [{ name: group.algorithm, x: f1.value, low: f1.low, high: f1.high, says }];
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
      ...(f1.low === null
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
  return figure(`scores-${index}`, `Final dev F1 in ${environment}`, {
    says: html`Large: mean over seeds with its 95 % interval; small: single seeds. Intervals that overlap do not show that two algorithms are equal, nor the other way round: the paired differences below do that.${
      left < 0 && ` ${-left} of ${groups.length} algorithms have no score.`
    }`,
    charts:
      shown.length === 0
        ? html`<p class="empty">no finished cell has a dev F1</p>`
        : html`<div class="charts"><div>${draw(
            `final dev F1 of ${names.length} algorithms in ${environment}`,
            {
              height: 50 + 26 * names.length,
              marginLeft: leftMargin(names),
              marginBottom: 36,
              x: {
                label: 'dev F1 after training, 0..1',
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
      rows: groups.flatMap(({ algorithm, f1, seeds }) => [
        {
          environment,
          algorithm,
          seed: null,
          dev_f1: f1?.value ?? null,
          low: f1?.low ?? null,
          high: f1?.high ?? null,
          method: f1?.method ?? null,
          seeds: f1?.n ?? 0,
        },
        ...seeds.map(({ seed, f1: own }) => ({ environment, algorithm, seed, dev_f1: own })),
      ]),
    },
  });
}

const domainOf = (groups: readonly GroupAnalysis[]): readonly [number, number] =>
  extent(
    groups.flatMap(({ f1, seeds }) => [
      f1!.value,
      f1!.low ?? f1!.value,
      f1!.high ?? f1!.value,
      ...seeds.flatMap((seed) => (seed.f1 === null ? [] : [seed.f1])),
    ]),
  );
