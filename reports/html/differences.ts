import * as Plot from '@observablehq/plot';
import type { PairAnalysis, ProfilePoint } from '../analyzed.ts';
import { PAIRWISE_COLUMNS, PROFILE_COLUMNS } from '../columns.ts';
import { pairwiseRows, profileRows } from '../rows.ts';
import { commonLabel, commonUnit, hasSeveralScores, scoreLabel } from '../score.ts';
import { draw, extent, leftMargin, shorten } from './draw.ts';
import { figure } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { decimal, formatNumber, sortableTable, type Value } from './table.ts';
import { fileName, labelOf, sayInterval, swatch, type View } from './view.ts';

/** Paired differences, probability of improvement and performance profiles. */
export function differencesSection(view: View): Markup {
  const { pairs } = view.analysis;
  const most = pairs[0]?.comparisons ?? 0;
  return html`<section id="differences"><h2>Differences</h2>
${
  pairs.length === 0
    ? html`<p class="empty">There is nothing to compare: one algorithm, or no baseline.</p>`
    : html`<p>Paired by seed: seed k of both met the same questions in the same order. p is of the paired t test; Holm’s adjustment counts ${most} ${most === 1 ? 'comparison' : 'comparisons'}.</p>
${pairTable(view)}`
}
${view.drawn.map((environment, index) => pairFigure(view, environment, index))}
<div class="figures">${view.drawn.map((environment, index) => profileFigure(view, environment, index))}</div></section>`;
}

function pairTable(view: View): Markup {
  const { pairs } = view.analysis;
  const several = hasSeveralScores(pairs);
  const heads = [
    { label: 'algorithm' },
    { label: 'against' },
    { label: 'environment' },
    { label: 'seeds', unit: 'in both' },
    { label: 'difference', unit: `${commonLabel(pairs)}, 95 % interval` },
    { label: 'p', unit: 'paired t' },
    { label: 'p', unit: 'after Holm' },
    { label: 'improvement', unit: 'probability, 95 % interval' },
    { label: 'note' },
  ];
  const rows = pairs.map((pair): readonly Value[] => [
    { content: html`${swatch(view.lookOf(pair.algorithm))} ${pair.algorithm}`, sort: pair.algorithm },
    pair.baseline,
    pair.environment,
    pair.pairs,
    withEnds(pair.difference, true, several && pair.declared !== null ? scoreLabel(pair.declared) : ''),
    decimal(pair.p, 3),
    decimal(pair.adjustedP, 3),
    withEnds(pair.improvement, false),
    pair.note ?? '',
  ]);
  return sortableTable('Differences to the baseline', heads, rows);
}

function withEnds(interval: PairAnalysis['difference'], signed: boolean, label = ''): Value {
  if (interval === null) return null;
  const { value, low, high, method } = interval;
  const sign = signed && value > 0 ? '+' : '';
  const ends =
    low === null || high === null
      ? 'no interval'
      : `${formatNumber(low, 3)} to ${formatNumber(high, 3)}, ${method}`;
  return {
    content: html`${sign}${formatNumber(value, 3)}<small>${label === '' ? '' : `${label}, `}${ends}</small>`,
    sort: value,
  };
}

function pairFigure(view: View, environment: string, index: number): Markup | false {
  const pairs = view.analysis.pairs.filter((pair) => pair.environment === environment);
  const baselines = [...new Set(pairs.map(({ baseline }) => baseline))].join(', ');
  const label = labelOf(view, environment);
  return (
    pairs.length > 0 &&
    figure(`differences-${index}`, `Against ${baselines} in ${environment}`, {
      says: html`Difference: ${label} minus the baseline’s; 0 is none. Probability of improvement: how likely a run drawn at random beats one of the baseline; 0.5 is no difference. Both with 95 % intervals.`,
      charts: html`<div class="charts"><div><h4>difference in ${label}</h4>${pairChart(view, pairs, 'difference', environment)}</div>
<div><h4>probability of improvement</h4>${pairChart(view, pairs, 'improvement', environment)}</div></div>`,
      data: {
        name: fileName('differences', environment),
        columns: PAIRWISE_COLUMNS,
        rows: pairwiseRows(pairs),
      },
    })
  );
}

function pairChart(
  view: View,
  pairs: readonly PairAnalysis[],
  what: 'difference' | 'improvement',
  environment: string,
): Markup {
  const rows = pairs.flatMap((pair) => {
    const interval = pair[what];
    if (interval === null || !Number.isFinite(interval.value)) return [];
    const { value, low, high } = interval;
    const says = `${pair.algorithm} against ${pair.baseline}\n${what} ${sayInterval(interval)}${
      pair.adjustedP === null ? '' : `\np after Holm ${formatNumber(pair.adjustedP, 3)}`
    }`;
    return [{ name: pair.algorithm, value, low, high, says }];
  });
  if (rows.length === 0) return html`<p class="empty">not defined for these seeds</p>`;
  const names = [...new Set(rows.map(({ name }) => name))];
  const middle = what === 'difference' ? 0 : 0.5;
  return draw(`${what} of ${names.length} algorithms in ${environment}`, {
    height: 50 + 24 * names.length,
    marginLeft: leftMargin(names),
    marginBottom: 36,
    x: {
      label:
        what === 'difference'
          ? `${labelOf(view, environment)} minus the baseline’s`
          : 'probability of improvement, 0..1',
      grid: true,
      ticks: 5,
      nice: true,
      domain:
        what === 'improvement'
          ? [0, 1]
          : extent([0, ...rows.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value])]),
    },
    y: { label: null, domain: names, tickFormat: (name: string) => shorten(name), tickSize: 0 },
    marks: [
      Plot.ruleX([middle], { stroke: 'currentColor', strokeDasharray: '4 3' }),
      ...rows.flatMap((row) => {
        const { className, color, symbol } = view.lookOf(row.name);
        return [
          ...(row.low === null
            ? []
            : [
                Plot.ruleY([row], {
                  x1: 'low',
                  x2: 'high',
                  y: 'name',
                  stroke: color,
                  strokeWidth: 2.5,
                  title: 'says',
                  className,
                }),
              ]),
          Plot.dot([row], { x: 'value', y: 'name', r: 4.5, fill: color, symbol, title: 'says', className }),
        ];
      }),
    ],
  });
}

function profileFigure(view: View, environment: string, index: number): Markup | false {
  // With one seed the profile is a step at its score.
  const points = view.analysis.profiles.filter(
    (point) => point.environment === environment && point.share.n > 1,
  );
  const domain = whereItHappens(points);
  const label = labelOf(view, environment);
  const shown = changes(
    points.filter(({ threshold }) => threshold >= domain[0] - 1e-9 && threshold <= domain[1] + 1e-9),
  );
  const names = [...new Set(points.map(({ algorithm }) => algorithm))];
  if (names.length === 0) return false;
  const marks = names.flatMap((name) => {
    const { className, color, dash } = view.lookOf(name);
    const own = shown
      .filter(({ algorithm }) => algorithm === name)
      .map(({ threshold, share }) => ({ threshold, share: share.value, low: share.low, high: share.high }));
    const banded = own.filter(({ low }) => low !== null);
    return [
      ...(banded.length > 0
        ? [
            Plot.areaY(banded, {
              x: 'threshold',
              y1: 'low',
              y2: 'high',
              fill: color,
              fillOpacity: 0.15,
              curve: 'step-after',
              className: `${className}-quiet`,
            }),
          ]
        : []),
      Plot.lineY(own, {
        x: 'threshold',
        y: 'share',
        stroke: color,
        strokeWidth: 2,
        strokeDasharray: dash,
        curve: 'step-after',
        title: () => name,
        className,
      }),
    ];
  });
  return figure(`profile-${index}`, `Performance profile in ${environment}`, {
    says: html`The share of seeds whose final ${label} is above a value: higher is better at that value. Its 95 % interval shows for the algorithm that is highlighted.`,
    charts: html`<div class="charts"><div>${draw(
      `performance profile of ${names.length} algorithms in ${environment}`,
      {
        height: 260,
        marginLeft: 48,
        marginBottom: 38,
        x: { label: `${label}, ${commonUnit(points)}`, ticks: 6, domain },
        y: { label: null, domain: [0, 1], grid: true, ticks: 5 },
        marks,
      },
    )}</div></div>`,
    data: {
      name: fileName('profile', environment),
      columns: PROFILE_COLUMNS,
      rows: profileRows(changes(points)),
    },
  });
}

/** The points at which a share changes, and those before them and at the ends: the rest is the same steps. */
function changes(points: readonly ProfilePoint[]): readonly ProfilePoint[] {
  const same = (a: ProfilePoint | undefined, b: ProfilePoint): boolean =>
    a?.algorithm === b.algorithm && a.share.value === b.share.value;
  return points.filter((point, index) => !(same(points[index - 1], point) && same(points[index + 1], point)));
}

/** The part of the scale where some share is neither all nor none, with some room. */
function whereItHappens(points: readonly ProfilePoint[]): [number, number] {
  const inner = points.filter(({ share: { value } }) => value > 0 && value < 1);
  const lowest = Math.min(...points.map(({ declared }) => declared.range[0]));
  const highest = Math.max(...points.map(({ declared }) => declared.range[1]));
  const room = (highest - lowest) / 20;
  const [low, high] = extent((inner.length > 0 ? inner : points).map(({ threshold }) => threshold));
  return [Math.max(lowest, low - room), Math.min(highest, high + room)];
}
