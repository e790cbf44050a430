import * as Plot from '@observablehq/plot';
import type { Row } from '../../bench/cell.ts';
import type { CriticalityTable } from '../../bench/criticality/tables.ts';
import type { CriticalityRecord } from '../sources.ts';
import { draw } from './draw.ts';
import { csvLink, figure } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { formatNumber, sortableTable, type Value } from './table.ts';
import { fileName, type View } from './view.ts';

/** The figures and tables of criticality measurements, if there are any. */
export function criticalitySection({ sources }: View): Markup | false {
  if (sources.criticality.length === 0) return false;
  return html`<section id="criticality"><h2>Where do decisions matter?</h2>
<p>Criticality of a state: the standard deviation of the outcome over the action taken there, the policy taking its most likely action afterwards (arXiv 2512.04949, Eq. 5 and Fig. 2).</p>
${sources.criticality.map((record, index) => measurement(record, index))}</section>`;
}

function measurement({ folder, tables }: CriticalityRecord, index: number): Markup {
  const id = `criticality-${index}`;
  const { histogram, 'entropy-histogram': entropy, prediction, groups, ...others } = tables;
  const training = others.training;
  return html`<h3>${folder}</h3><div class="figures">${
    histogram &&
    figure(`${id}-states`, 'How critical states are', {
      says: 'Share of the states by criticality: exact, and as sampled actions estimate it.',
      charts: html`<div class="charts"><div>${histogramChart(histogram.rows, 'estimator', 'criticality, return')}</div></div>`,
      data: { name: fileName('criticality', String(index + 1)), ...histogram },
    })
  }${
    entropy &&
    figure(`${id}-entropy`, 'Does entropy tell?', {
      says: 'Share of the states by exact action entropy: those of high criticality and the others.',
      charts: html`<div class="charts"><div>${histogramChart(entropy.rows, 'group', 'entropy of the action, nats')}</div></div>`,
      data: { name: fileName('criticality-entropy', String(index + 1)), ...entropy },
    })
  }${training && trainingFigure(training, id, index)}</div>${[
    ['prediction', 'Entropy and surprisal as predictors of high criticality', prediction],
    ['groups', 'Criticality by depth and move', groups],
    ['sampling', 'Sampled against exact', others.sampling],
    ['ablation', 'Early actions filtered or kept', others.ablation],
    ['ablation-difference', 'Kept minus filtered', others['ablation-difference']],
    ['correlated', 'Siblings on a shared random stream', others.correlated],
  ].map(([name, title, table]) =>
    table === undefined
      ? null
      : wholeTable(name as string, title as string, table as CriticalityTable, index),
  )}`;
}

/** Two groups of bars, side by side in every bin. */
function histogramChart(rows: readonly Row[], by: string, label: string): Markup {
  const names = [...new Set(rows.map((row) => String(row[by])))];
  const data = rows.flatMap((row) => {
    const [low, high, share] = [Number(row.bin_low), Number(row.bin_high), row.share];
    if (typeof share !== 'number') return [];
    const place = names.indexOf(String(row[by]));
    const width = (high - low) / names.length;
    const says = `${row[by]}: ${formatNumber(low, 2)} to ${formatNumber(high, 2)}\n${formatNumber(100 * share, 1)} %, ${row.count} states`;
    return [{ place, share, from: low + place * width, to: low + (place + 1) * width, says }];
  });
  if (data.length === 0) return html`<p class="empty">no states</p>`;
  const chart = draw(`share of states by ${label}, ${names.join(' and ')}`, {
    height: 240,
    marginLeft: 44,
    marginBottom: 38,
    x: { label, ticks: 6 },
    y: { label: null, grid: true, nice: true, ticks: 5, percent: true },
    marks: names.map((_, place) =>
      Plot.rectY(
        data.filter((bar) => bar.place === place),
        {
          x1: 'from',
          x2: 'to',
          y: 'share',
          fill: `var(--c${place})`,
          title: 'says',
          insetLeft: 0.5,
          insetRight: 0.5,
        },
      ),
    ),
  });
  const key = names.map((name, place) => html`<span style="color:var(--c${place})">■</span> ${name} `);
  return html`<h4>share of states, %: ${key}</h4>${chart}`;
}

function trainingFigure(table: CriticalityTable, id: string, index: number): Markup {
  const kinds = [...new Set(table.rows.map((row) => `${row.uncertainty}, ${row.set} states`))];
  const points = table.rows.flatMap((row) => {
    const kind = `${row.uncertainty}, ${row.set} states`;
    const place = kinds.indexOf(kind);
    if (typeof row.auc !== 'number') return [];
    const says = `${kind}\niteration ${row.iteration}: AUC ${formatNumber(row.auc, 3)}`;
    return [{ place, x: Number(row.iteration), y: row.auc, says }];
  });
  const chart =
    points.length === 0
      ? html`<p class="empty">no area could be computed</p>`
      : draw('area under the ROC curve along training', {
          height: 240,
          marginLeft: 44,
          marginBottom: 38,
          x: { label: 'iterations', ticks: 6 },
          y: { label: null, grid: true, nice: true, ticks: 5 },
          marks: [
            Plot.ruleY([0.5], { stroke: 'currentColor', strokeDasharray: '4 3' }),
            ...kinds.flatMap((_, place) => {
              const own = points.filter((point) => point.place === place);
              return [
                Plot.lineY(own, { x: 'x', y: 'y', stroke: `var(--c${place})`, strokeWidth: 2 }),
                Plot.dot(own, { x: 'x', y: 'y', fill: `var(--c${place})`, r: 3, title: 'says' }),
              ];
            }),
          ],
        });
  const key = kinds.map((kind, place) => html`<span style="color:var(--c${place})">■</span> ${kind} `);
  return figure(`${id}-training`, 'Along training', {
    says: 'How well uncertainty predicts high criticality (area under the ROC curve; 0.5 is chance) on held-out questions.',
    charts: html`<div class="charts"><div><h4>AUC, 0..1: ${key}</h4>${chart}</div></div>`,
    data: { name: fileName('criticality-training', String(index + 1)), ...table },
  });
}

/** More rows than this are in the CSV only. */
const MOST_ROWS = 60;

function wholeTable(name: string, title: string, table: CriticalityTable, index: number): Markup {
  const { columns, rows } = table;
  const shown = rows.slice(0, MOST_ROWS);
  const heads = columns.map((column) => ({
    label: column.name,
    unit: column.unit,
    hint: column.description,
  }));
  const entries = shown.map((row) =>
    columns.map((column): Value => {
      const value = row[column.name] ?? null;
      if (typeof value !== 'number') return value;
      return { content: Number.isInteger(value) ? String(value) : formatNumber(value, 3), sort: value };
    }),
  );
  const link = csvLink({ name: fileName('criticality', name, String(index + 1)), columns, rows });
  const rest = rows.length > shown.length ? `The first ${shown.length} of ${rows.length} rows. ` : '';
  return html`<details><summary>${title}</summary>${sortableTable(title, heads, entries)}<p>${rest}${link}</p></details>`;
}
