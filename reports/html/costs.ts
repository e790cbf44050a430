import * as Plot from '@observablehq/plot';
import { column } from '../../bench/columns.ts';
import type { GroupAnalysis } from '../analyzed.ts';
import { COSTS } from '../columns.ts';
import { draw, extent, leftMargin, shorten } from './draw.ts';
import { figure } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { formatNumber } from './table.ts';
import { fileName, labelOf, MANY, sayInterval, switcher, type View } from './view.ts';

type CostName = (typeof COSTS)[number];

const LABELS: Readonly<Record<CostName, string>> = {
  update_actions: 'update actions',
  rollout_actions: 'rollout actions',
  generated_tokens: 'generated tokens',
  environment_calls: 'environment calls',
};

const COLUMNS = [
  column('environment', 'id', 'environment and its version'),
  column('algorithm', 'name', 'algorithm'),
  ...COSTS.flatMap((name) => [
    column(name, 'per question', `${LABELS[name]}, mean over seeds`),
    column(`${name}_ratio`, 'ratio', `the same divided by GRPO's`),
  ]),
  column('score', 'name', 'what the environment is scored by'),
  column('score_mean', 'score', 'the score after training, mean over seeds'),
  column('low', '0..1', 'lower end of its 95 % interval'),
  column('high', '0..1', 'upper end'),
] as const;

/** What training costs per question, with ratios to GRPO, and what score it buys. */
export function costsSection(view: View): Markup {
  return html`<section id="costs"><h2>Costs</h2>
<p>Per training question, mean over seeds. Update actions receive a gradient; rollout actions were generated. Ratios are to GRPO of the same run and environment, whatever the scores are compared with.</p>
${switcher(
  'cost',
  'Score against',
  COSTS.map((id) => ({ id, label: LABELS[id] })),
)}
${view.drawn.map((environment, index) => costFigure(view, environment, index))}</section>`;
}

function costFigure(view: View, environment: string, index: number): Markup {
  const groups = view.groupsOf(environment);
  const grpo = [...new Set(groups.flatMap(({ ratiosTo }) => ratiosTo ?? []))];
  const to = grpo.length === 0 ? 'no GRPO here, so no ratios' : `ratios are to ${grpo.join(', ')}`;
  const label = labelOf(view, environment);
  return figure(`costs-${index}`, environment, {
    says: html`Bars: ${to}. ${label} against cost: the dashed line joins the algorithms that no other one beats in both at their means; intervals are those of ${label}.`,
    charts: html`<div class="charts">${(
      ['update_actions', 'rollout_actions', 'generated_tokens'] as const
    ).map(
      (cost) =>
        html`<div><h4>${LABELS[cost]} per question</h4>${bars(view, groups, cost, environment)}</div>`,
    )}${html`<div><h4>${label} against cost</h4>${COSTS.map(
      (cost) => html`<div data-cost="${cost}">${pareto(view, groups, cost, environment)}</div>`,
    )}</div>`}</div>`,
    data: {
      name: fileName('costs', environment),
      columns: COLUMNS,
      rows: groups.map(({ algorithm, declared, costs, score }) => ({
        environment,
        algorithm,
        ...Object.fromEntries(
          COSTS.flatMap((name) => [
            [name, costs[name].value],
            [`${name}_ratio`, costs[name].ratio],
          ]),
        ),
        score: declared?.name ?? null,
        score_mean: score?.value ?? null,
        low: score?.low ?? null,
        high: score?.high ?? null,
      })),
    },
  });
}

function bars(view: View, groups: readonly GroupAnalysis[], cost: CostName, environment: string): Markup {
  const rows = groups.flatMap(({ algorithm, costs }) => {
    const { value, ratio } = costs[cost];
    if (value === null || !Number.isFinite(value)) return [];
    const times = ratio === null ? '' : ` (${formatNumber(ratio, 2)}×)`;
    const text = `${formatNumber(value, 1)}${times}`;
    return [{ name: algorithm, value, text, says: `${algorithm}\n${LABELS[cost]} per question ${text}` }];
  });
  if (rows.length === 0) return html`<p class="empty">not recorded in any finished cell</p>`;
  const names = rows.map(({ name }) => name);
  return draw(`${LABELS[cost]} per question of ${names.length} algorithms in ${environment}`, {
    height: 44 + 24 * names.length,
    marginLeft: leftMargin(names),
    marginRight: 104,
    marginBottom: 36,
    x: { label: `${LABELS[cost]} per question`, grid: true, ticks: 5, tickFormat: '~s' },
    y: { label: null, domain: names, tickFormat: (name: string) => shorten(name), tickSize: 0 },
    marks: rows.flatMap((row) => {
      const { className, color } = view.lookOf(row.name);
      return [
        Plot.barX([row], { x: 'value', y: 'name', fill: color, title: 'says', className, inset: 2 }),
        Plot.text([row], { x: 'value', y: 'name', text: 'text', textAnchor: 'start', dx: 5, className }),
      ];
    }),
  });
}

function pareto(view: View, groups: readonly GroupAnalysis[], cost: CostName, environment: string): Markup {
  const label = labelOf(view, environment);
  const points = groups.flatMap(({ algorithm, costs, score }) => {
    const x = costs[cost].value;
    if (x === null || score === null || !Number.isFinite(x) || !Number.isFinite(score.value)) return [];
    const says = `${algorithm}\n${label} ${sayInterval(score, 4)}\n${LABELS[cost]} per question ${formatNumber(x, 1)}`;
    return [{ name: algorithm, x, y: score.value, low: score.low, high: score.high, says }];
  });
  if (points.length === 0) return html`<p class="empty">no finished cell has both</p>`;
  const front = points
    .filter(
      (one) =>
        !points.some((other) => other.x <= one.x && other.y >= one.y && (other.x < one.x || other.y > one.y)),
    )
    .sort((a, b) => a.x - b.x);
  const domain = extent(points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]));
  const labels = points.length <= MANY ? placeLabels(points, domain) : [];
  return draw(`${label} against ${LABELS[cost]} of ${points.length} algorithms in ${environment}`, {
    height: 280,
    marginLeft: 48,
    marginRight: 60,
    marginBottom: 38,
    x: {
      label: `${LABELS[cost]} per question`,
      grid: true,
      nice: true,
      zero: true,
      ticks: 6,
      tickFormat: '~s',
    },
    y: {
      label: null,
      grid: true,
      nice: true,
      ticks: 6,
      domain,
    },
    marks: [
      Plot.lineY(front, {
        x: 'x',
        y: 'y',
        stroke: 'currentColor',
        strokeOpacity: 0.5,
        strokeDasharray: '4 3',
      }),
      ...points.flatMap((point) => {
        const { className, color, symbol } = view.lookOf(point.name);
        return [
          ...(point.low === null
            ? []
            : [
                Plot.ruleX([point], {
                  x: 'x',
                  y1: 'low',
                  y2: 'high',
                  stroke: color,
                  strokeOpacity: 0.6,
                  className,
                }),
              ]),
          Plot.dot([point], { x: 'x', y: 'y', r: 5, fill: color, symbol, title: 'says', className }),
        ];
      }),
      ...labels.map(({ dy, ...label }) =>
        Plot.text([label], {
          x: 'x',
          y: 'y',
          text: 'text',
          textAnchor: 'start',
          dx: 8,
          dy,
          className: view.lookOf(label.name).className,
        }),
      ),
    ],
  });
}

interface Labelled {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/** Names beside their points, moved up or down until they meet no other name. */
function placeLabels(points: readonly Labelled[], [low, high]: readonly [number, number]) {
  const most = Math.max(...points.map(({ x }) => x), Number.MIN_VALUE);
  const placed: { left: number; right: number; top: number }[] = [];
  return points.map(({ name, x, y }) => {
    const text = shorten(name, 14);
    const left = (x / most) * 370;
    const right = left + 6.5 * text.length;
    const middle = ((high - y) / (high - low)) * 215;
    const isFree = (dy: number): boolean =>
      !placed.some(
        (other) => left < other.right && right > other.left && Math.abs(middle + dy - other.top) < 12,
      );
    const dy = [-8, 10, -20, 22, -32, 34, -44].find(isFree) ?? -8;
    placed.push({ left, right, top: middle + dy });
    return { name, x, y, text, dy };
  });
}
