import * as Plot from '@observablehq/plot';
import { CURVE_COLUMNS, curveRow, type KnobPoint, knobPoints } from '../../bench/profile/curves.ts';
import { draw } from '../html/draw.ts';
import { figure } from '../html/figure.ts';
import { html, type Markup } from '../html/markup.ts';
import { legend, sayInterval } from '../html/view.ts';
import type { Method, ProfileView, ShownExperiment } from './view.ts';

/** Units of a panel: smaller than other charts, so that its text keeps its size. */
const SIZE = { width: 320, height: 210 } as const;
/** Scores below this are drawn at the edge: one method that fails must not flatten all others. */
const LOWEST = -1;

/** Score against the knob, one small panel per experiment. */
export function knobSection(view: ProfileView): Markup {
  const { profile, methods, experiments } = view;
  const points = knobPoints([...profile.units, ...profile.reference]);
  const domain = domainOf(points);
  const gray = methods.some(({ isColored }) => !isColored);
  return html`<section id="knobs"><h2>Score against the knob</h2>
${legend(methods.toSorted((a, b) => Number(b.isColored) - Number(a.isColored)))}
${figure('knob-curves', 'Every experiment from easy to hard', {
  charts: html`<div class="panels">${experiments.map((experiment) =>
    panel(
      view,
      experiment,
      points.filter((point) => point.experiment === experiment.id),
      domain,
    ),
  )}</div>`,
  says: html`Lines: learning score, mean over seeds, at each level of the knob; the levels stand at equal distances, from easy to hard. Bands: 95 % t intervals over seeds, cut at the edges of the panel. Dashed: 0, the starting policy. ${
    gray &&
    html`Gray: ${methods.some(({ kind }) => kind === 'reference') ? 'reference scores and ' : ''}methods beyond the eight colors; a button above brings a method out, with its band. `
  }All panels have the same scale.`,
  data: { name: 'curves', columns: CURVE_COLUMNS, rows: points.map(curveRow) },
})}</section>`;
}

function panel(
  { methods }: ProfileView,
  { id, known, levels }: ShownExperiment,
  points: readonly KnobPoint[],
  domain: readonly [number, number],
): Markup {
  // The first is drawn below all others.
  const order = methods.toReversed().toSorted((a, b) => depth(a) - depth(b));
  const marks = order.flatMap((method) => methodMarks(method, points, domain));
  const chart = draw(`score of ${methods.length} methods in ${id} against the knob`, {
    ...SIZE,
    marginLeft: 34,
    marginBottom: 36,
    x: {
      type: 'point',
      domain: levels,
      label: known?.knob.name ?? 'level',
      tickFormat: (level: number) => String(Number(level.toPrecision(3))),
      padding: 0.15,
    },
    y: { label: null, grid: true, ticks: 5, domain },
    marks: [Plot.ruleY([0], { stroke: 'currentColor', strokeDasharray: '4 3', strokeOpacity: 0.6 }), marks],
  });
  return html`<div><h4>${id}</h4>${known !== undefined && html`<p>${known.question}</p>`}${chart}</div>`;
}

const depth = ({ isColored, kind }: Method): number => (kind === 'baseline' ? 2 : isColored ? 1 : 0);

function methodMarks(
  { name, look, isColored }: Method,
  points: readonly KnobPoint[],
  [lowest, highest]: readonly [number, number],
): readonly Plot.Markish[] {
  const cut = (value: number): number => Math.max(lowest, Math.min(highest, value));
  const own = points
    .filter(({ algorithm, score }) => algorithm === name && Number.isFinite(score.value))
    .map(({ level, score }) => ({
      level,
      value: cut(score.value),
      low: score.low === null ? null : cut(score.low),
      high: score.high === null ? null : cut(score.high),
      says: `${name}, ${level}\nscore ${sayInterval(score)}`,
    }));
  const banded = own.filter(({ low }) => low !== null);
  const { className, color, dash, symbol } = look;
  return [
    ...(banded.length === 0
      ? []
      : [
          Plot.areaY(banded, {
            x: 'level',
            y1: 'low',
            y2: 'high',
            fill: color,
            fillOpacity: 0.1,
            className: `${className}-${isColored ? 'band' : 'quiet'}`,
          }),
        ]),
    Plot.lineY(own, {
      x: 'level',
      y: 'value',
      stroke: color,
      strokeWidth: isColored ? 2 : 1.2,
      strokeDasharray: dash,
      title: () => name,
      className: isColored ? className : `${className}-grey`,
    }),
    ...(isColored
      ? [
          Plot.dot(own, {
            x: 'level',
            y: 'value',
            r: 3,
            fill: color,
            symbol,
            title: 'says',
            className,
          }),
        ]
      : []),
  ];
}

/** From the lowest mean, or 0, to a little above 1: the same for all panels. */
function domainOf(points: readonly KnobPoint[]): readonly [number, number] {
  const values = points.map(({ score }) => score.value).filter(Number.isFinite);
  const lowest = values.reduce((least, value) => Math.min(least, value), 0);
  return [Math.max(LOWEST, Math.floor(lowest * 5) / 5), 1.05];
}
