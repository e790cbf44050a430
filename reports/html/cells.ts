import { html, type Markup } from './markup.ts';
import { sortableTable, type Value } from './table.ts';
import { swatch, type View } from './view.ts';

/** Rows that the page shows; the others are only counted. */
const MOST = 500;

/** Finished seeds whose score is not a number: they count, and so the mean is not a number either. */
export function divergedSeeds({ analysis }: View) {
  return analysis.groups.flatMap(({ environment, algorithm, seeds }) =>
    seeds.flatMap(({ seed, score }) =>
      score !== null && !Number.isFinite(score) ? [{ environment, algorithm, seed }] : [],
    ),
  );
}

/** Cells that failed, that the run did not come to, and that ended without a number. */
export function cellsSection(view: View): Markup {
  const { cells } = view.sources;
  const unfinished = cells.filter(({ status }) => status !== 'finished');
  const diverged = divergedSeeds(view);
  const rows: (readonly Value[])[] = [
    ...unfinished.map((cell): readonly Value[] => [
      { content: html`${swatch(view.lookOf(cell.algorithm))} ${cell.algorithm}`, sort: cell.algorithm },
      cell.environment,
      cell.seed,
      cell.status === 'failed'
        ? { content: html`<span class="bad">failed</span>`, sort: 'failed' }
        : { content: 'not run', sort: 'not run' },
      cell.status === 'failed'
        ? (cell.error ?? 'reason not recorded')
        : 'the run was stopped before it; the same command goes on',
      { content: html`<code>${cell.cell}</code>`, sort: cell.cell },
    ]),
    ...diverged.map(({ environment, algorithm, seed }): readonly Value[] => [
      { content: html`${swatch(view.lookOf(algorithm))} ${algorithm}`, sort: algorithm },
      environment,
      seed,
      { content: html`<span class="bad">diverged</span>`, sort: 'diverged' },
      'its final score is not a number; the mean of its algorithm is therefore not one either',
      '',
    ]),
  ];
  const heads = [
    { label: 'algorithm' },
    { label: 'environment' },
    { label: 'seed' },
    { label: 'state' },
    { label: 'reason' },
    { label: 'cell', unit: 'folder under cells/' },
  ];
  const shown = rows.slice(0, MOST);
  return html`<section id="failures"><h2>Failed and unfinished cells</h2>${
    rows.length === 0
      ? html`<p>None: all ${cells.length} cells finished, and every final score is a number.</p>`
      : html`${sortableTable(`${rows.length} cells without a usable result`, heads, shown)}${
          rows.length > shown.length &&
          html`<p>The first ${shown.length} of ${rows.length}; all are in <code>suite.json</code>.</p>`
        }`
  }</section>`;
}
