import { auditSection } from './audit.ts';
import { cellsSection } from './cells.ts';
import { checklistSection } from './checklist.ts';
import { costsSection } from './costs.ts';
import { criticalitySection } from './criticality.ts';
import { differencesSection } from './differences.ts';
import { learningSection } from './learning.ts';
import { html, Markup } from './markup.ts';
import { paperSection } from './paper.ts';
import { scoresSection } from './scores.ts';
import { SCRIPT } from './script.ts';
import { settingsSection } from './setup.ts';
import { STYLE } from './style.ts';
import { summarySection } from './summary.ts';
import { createView, MANY, type ReportInput, swatch, type View } from './view.ts';

/**
 * A comparison as one HTML page that needs nothing else: no network, no other file. Equal input gives equal bytes.
 * Names and texts of the input are escaped.
 */
export function renderReport(input: ReportInput): string {
  const view = createView(input);
  const hasRuns = view.sources.cells.length > 0;
  const sections: readonly (readonly [string, string, Markup | false])[] = [
    ['scores', 'Scores', hasRuns && scoresSection(view)],
    ['differences', 'Differences', hasRuns && differencesSection(view)],
    ['curves', 'Learning curves', hasRuns && learningSection(view)],
    ['costs', 'Costs', hasRuns && costsSection(view)],
    ['audit', 'Is the estimate right?', auditSection(view)],
    ['criticality', 'Where decisions matter', criticalitySection(view)],
    ['paper', 'Beside the papers', hasRuns && paperSection(view)],
    ['failures', 'Failed cells', hasRuns && cellsSection(view)],
    ['checklist', 'Checklist', hasRuns && checklistSection(view)],
    ['setup', 'Setup', settingsSection(view)],
  ];
  const present = sections.filter(([, , section]) => section !== false);
  const names = view.settings.map(({ name }, index) => name ?? view.sources.runs[index]!.folder);
  const title = names.length === 0 ? 'creditbench report' : `creditbench: ${names.join(', ')}`;
  const page = html`<!doctype html>
<html lang="en"${view.algorithms.length > MANY && html` class="many"`}>
<head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<style>${Markup.trusted(STYLE)}</style></head>
<body><header><h1>${title}</h1>
<p class="lead">${view.settings
    .map(({ description }) => description)
    .filter((text) => text !== undefined && text !== '')
    .join(' ')}</p>
${summarySection(view)}
<nav class="contents" aria-label="Contents"><ul>${present.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav></header>
<main>${hasRuns && legend(view)}${undrawn(view)}
${present.map(([, , section]) => section)}</main>
<footer><p>Written by creditbench ${view.version}.</p></footer>
<script>${Markup.trusted(SCRIPT)}</script></body></html>
`;
  return page.text;
}

function undrawn({ environments, drawn }: View): Markup | false {
  return (
    environments.length > drawn.length &&
    html`<p>Figures are drawn for the first ${drawn.length} of ${environments.length} environments; the tables have all. Reports over fewer runs draw the others.</p>`
  );
}

/** One button per algorithm: hovering, focusing or pressing it highlights the algorithm in every chart. */
function legend(view: View): Markup {
  return html`<div class="legend" role="group" aria-label="Highlight algorithms">${view.algorithms.map(
    (name) => {
      const look = view.lookOf(name);
      return html`<button type="button" aria-pressed="false" data-mark="${look.className}" title="${name}">${swatch(look)}<span>${name}</span></button>`;
    },
  )}</div>`;
}
