import * as Plot from '@observablehq/plot';
import type { Row } from '../../bench/cell.ts';
import { column } from '../../bench/columns.ts';
import { CURRENCIES, CURVE_METRICS, type Currency, type Curve } from '../curves.ts';
import { commonScore, commonUnit } from '../score.ts';
import { draw, extent } from './draw.ts';
import { figure } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { formatNumber } from './table.ts';
import { fileName, labelOf, MANY, sayInterval, switcher, type View } from './view.ts';

/** Limits that keep the page small, over all charts: points on mean lines and on lines of seeds, hover texts, CSV rows. */
const BUDGET = { mean: 20_000, seeds: 30_000, hovers: 3500, rows: 4500 } as const;
/** Points on one line of a seed, and on one mean line. */
const LINE_POINTS = 25;
const MEAN_POINTS = 150;
/** Fewer lines than this say nothing of the spread. */
const FEWEST_SEEDS = 3;

interface Limits {
  /** Lines of seeds per algorithm. */
  readonly seeds: number;
  /** Points on a mean line. */
  readonly mean: number;
  /** Points with a hover text on a mean line. */
  readonly hovers: number;
  /** What the CSV files have: all points and seeds, all points of means, or the points that are drawn. */
  readonly rows: 'seeds' | 'means' | 'drawn';
}

const COLUMNS = [
  column('environment', 'id', 'environment and its version'),
  column('algorithm', 'name', 'algorithm'),
  column(
    'metric',
    'name',
    'what the environment is scored by on the dev questions (f1, return, …), or action_entropy (nats)',
  ),
  column('seed', 'integer', 'training seed; empty: mean over seeds'),
  column('iteration', 'count', 'training iterations done'),
  column('environment_calls', 'calls', 'environment steps so far; mean over seeds where it is a mean'),
  column('generated_tokens', 'tokens', 'the same of tokens generated'),
  column('update_actions', 'actions', 'the same of actions that received a gradient'),
  column('seconds', 's', 'the same of sampling, credit and update; empty where not recorded'),
  column('value', 'metric', 'the metric'),
  column('low', 'metric', 'lower end of its 95 % interval over seeds'),
  column('high', 'metric', 'upper end'),
  column('method', 'name', 'how the interval was made'),
  column('seeds', 'count', 'seeds in the mean'),
] as const;

/** Learning and entropy curves against every currency, one figure per environment, one switch for all. */
export function learningSection(view: View): Markup {
  const limits = limitsOf(view.curves.filter(({ environment }) => view.drawn.includes(environment)));
  return html`<section id="curves"><h2>Learning curves</h2>
<p>Every curve can be read against what was spent on it. Lines are means over seeds, of both axes; bands are 95 % intervals over seeds at that point; thin lines are single seeds${seedNote(view, limits)}.</p>
${switcher(
  'axis',
  'Against',
  CURRENCIES.map(({ id, label }) => ({ id, label })),
)}
${view.drawn.map((environment, index) => environmentFigure(view, environment, index, limits))}</section>`;
}

function limitsOf(curves: readonly Curve[]): Limits {
  const lines = Math.max(1, CURRENCIES.length * curves.length);
  const sum = (of: (curve: Curve) => number): number => curves.reduce((total, curve) => total + of(curve), 0);
  const vertices = CURRENCIES.length * sum(({ points }) => Math.min(points.length, LINE_POINTS));
  const affordable = Math.floor(BUDGET.seeds / Math.max(1, vertices));
  const means = sum(({ points }) => points.length);
  const singles = sum(({ seeds }) => seeds.reduce((total, { points }) => total + points.length, 0));
  return {
    seeds: affordable < FEWEST_SEEDS ? 0 : affordable,
    mean: Math.min(MEAN_POINTS, Math.max(8, Math.floor(BUDGET.mean / lines))),
    hovers: Math.max(1, Math.floor(BUDGET.hovers / lines)),
    rows: means + singles <= BUDGET.rows ? 'seeds' : means <= BUDGET.rows ? 'means' : 'drawn',
  };
}

function seedNote(view: View, limits: Limits): string {
  const most = Math.max(0, ...view.curves.map(({ seeds }) => seeds.length));
  const first =
    limits.seeds === 0
      ? ' (left out of so large a page)'
      : most > limits.seeds
        ? `, the first ${limits.seeds} of ${most}`
        : '';
  const hidden =
    view.algorithms.length > MANY ? '; bands and seeds show for the algorithms that are highlighted' : '';
  return `${first}${hidden}`;
}

const ROW_NOTES = {
  seeds: '',
  means: ' The CSV has the means; single seeds are in metrics.csv.',
  drawn: ' The CSV has the points that are drawn; all are in metrics.csv.',
} as const;

function environmentFigure(view: View, environment: string, index: number, limits: Limits): Markup {
  const curves = view.curves.filter((curve) => curve.environment === environment);
  const groups = view.groupsOf(environment);
  const name = labelOf(view, environment);
  const charts = CURVE_METRICS.map((id) => {
    const [label, unit] = id === 'score' ? [name, commonUnit(groups)] : ['action entropy', 'nats'];
    const shown = curves.filter(({ metric, points }) => metric === id && points.length > 0);
    if (shown.length === 0)
      return html`<div><h4>${label}, ${unit}</h4><p class="empty">not recorded in any finished cell</p></div>`;
    return html`<div><h4>${label}, ${unit}</h4>${CURRENCIES.map(
      (currency) =>
        html`<div data-axis="${currency.id}">${chart(view, shown, currency.id, { label, environment }, limits)}</div>`,
    )}</div>`;
  });
  return figure(`curves-${index}`, environment, {
    says: html`${name} is measured at the evaluations, entropy in every training iteration.${ROW_NOTES[limits.rows]}`,
    charts: html`<div class="charts">${charts}</div>`,
    data: {
      name: fileName('curves', environment),
      columns: COLUMNS,
      rows: curves.flatMap((curve) => curveRows(curve, commonScore(groups)?.name, limits)),
    },
  });
}

interface Layer {
  readonly depth: number;
  readonly mark: Plot.Markish;
}

interface Dot {
  readonly x: number;
  readonly y: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly says: string;
}

function chart(
  view: View,
  curves: readonly Curve[],
  currency: Currency,
  { label, environment }: { readonly label: string; readonly environment: string },
  limits: Limits,
): Markup {
  const { label: name, unit } = CURRENCIES.find(({ id }) => id === currency)!;
  const layers = curves.map((curve): readonly Layer[] => {
    const { className, color, dash, symbol } = view.lookOf(curve.algorithm);
    const mean = curve.points.flatMap(({ iteration, spent, value }): readonly Dot[] => {
      const x = spent[currency];
      if (x === null) return [];
      const says = `${curve.algorithm}\n${label} ${sayInterval(value)}\niteration ${iteration}${
        currency === 'iterations' ? '' : `, ${name} ${formatNumber(x, 0)}`
      }`;
      return [{ x, y: value.value, low: value.low, high: value.high, says }];
    });
    const single = curve.seeds.slice(0, limits.seeds).flatMap(({ seed, points }) =>
      thin(points, LINE_POINTS).flatMap(({ spent, value }) => {
        const x = spent[currency];
        return x === null ? [] : [{ x, y: value, seed, says: `${curve.algorithm}, seed ${seed}` }];
      }),
    );
    if (mean.length === 0) return [];
    const dots = thin(mean, limits.hovers).filter(({ y }) => Number.isFinite(y));
    const line = thin(mean, limits.mean);
    const banded = line.filter(({ low }) => low !== null);
    const layer = (depth: number, mark: Plot.Markish): Layer => ({ depth, mark });
    return [
      ...(banded.length > 0
        ? [
            layer(
              0,
              Plot.areaY(banded, {
                x: 'x',
                y1: 'low',
                y2: 'high',
                fill: color,
                fillOpacity: 0.13,
                className: `${className}-band`,
              }),
            ),
          ]
        : []),
      ...(curve.seeds.length > 1 && limits.seeds > 0
        ? [
            layer(
              1,
              Plot.lineY(single, {
                x: 'x',
                y: 'y',
                z: 'seed',
                stroke: color,
                strokeOpacity: 0.4,
                strokeWidth: 0.8,
                title: 'says',
                className: `${className}-seeds`,
              }),
            ),
          ]
        : []),
      layer(
        2,
        Plot.lineY(line, { x: 'x', y: 'y', stroke: color, strokeWidth: 2, strokeDasharray: dash, className }),
      ),
      layer(
        3,
        Plot.dot(dots, {
          x: 'x',
          y: 'y',
          fill: color,
          r: dots.length > 20 ? 2 : 3,
          symbol,
          title: 'says',
          className,
        }),
      ),
    ];
  });
  // Bands lie under all lines, not only under those that come later.
  const marks = layers
    .flat()
    .toSorted((a, b) => a.depth - b.depth)
    .map(({ mark }) => mark);
  if (marks.length === 0) return html`<p class="empty">${name} were not recorded</p>`;
  return draw(`${label} in ${environment} against ${name}, ${curves.length} algorithms`, {
    height: 300,
    marginLeft: 48,
    marginBottom: 38,
    x: {
      label: currency === 'seconds' ? `${name}, ${unit}` : name,
      // Ticks at fractions of an iteration would mean nothing.
      ticks: currency === 'iterations' ? Math.min(6, longest(curves)) : 6,
      zero: true,
      ...(currency === 'seconds' || currency === 'iterations' ? {} : { tickFormat: '~s' }),
    },
    y: { label: null, grid: true, nice: true, ticks: 6, domain: domainOf(curves) },
    marks,
  });
}

const longest = (curves: readonly Curve[]): number =>
  Math.max(1, ...curves.map(({ points }) => points.at(-1)?.iteration ?? 0));

/** From the lowest to the highest of everything drawn: the same for all currencies. */
const domainOf = (curves: readonly Curve[]): readonly [number, number] =>
  extent(
    curves.flatMap(({ points, seeds }) => [
      ...points.flatMap(({ value: { value, low, high } }) => [value, low ?? value, high ?? value]),
      ...seeds.flatMap((seed) => seed.points.map(({ value }) => value)),
    ]),
  );

/** So many of the values, evenly, with the first and the last. */
function thin<Value>(values: readonly Value[], most: number): readonly Value[] {
  if (values.length <= most) return values;
  if (most === 1) return values.slice(-1);
  const step = (values.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => values[Math.round(index * step)]!);
}

function curveRows(curve: Curve, score: string | undefined, limits: Limits): readonly Row[] {
  const { environment, algorithm, points, seeds } = curve;
  const metric = curve.metric === 'score' ? (score ?? 'score') : curve.metric;
  const spentRow = ({ iterations: _, ...spent }: Curve['points'][number]['spent']): Row => spent;
  const means = (limits.rows === 'drawn' ? thin(points, limits.mean) : points).map(
    ({ iteration, spent, value }) => ({
      environment,
      algorithm,
      metric,
      seed: null,
      iteration,
      ...spentRow(spent),
      value: value.value,
      low: value.low,
      high: value.high,
      method: value.method,
      seeds: value.n,
    }),
  );
  if (limits.rows !== 'seeds') return means;
  const single = seeds.flatMap(({ seed, points }) =>
    points.map(({ iteration, spent, value }) => ({
      environment,
      algorithm,
      metric,
      seed,
      iteration,
      ...spentRow(spent),
      value,
    })),
  );
  return [...means, ...single];
}
