import { auditSection } from './audit.ts';
import { cellsSection } from './cells.ts';
import { checklistSection } from './checklist.ts';
import { costsSection } from './costs.ts';
import { criticalitySection } from './criticality.ts';
import { differencesSection } from './differences.ts';
import { learningSection } from './learning.ts';
import { html, type Markup } from './markup.ts';
import { paperSection } from './paper.ts';
import { scoresSection } from './scores.ts';
import { settingsSection } from './setup.ts';
import { page } from './shell.ts';
import { summarySection } from './summary.ts';
import { createView, legend, MANY, type ReportInput, type View } from './view.ts';

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
  const names = view.settings.map(({ name }, index) => name ?? view.sources.runs[index]!.folder);
  return page({
    title: names.length === 0 ? 'creditbench report' : `creditbench: ${names.join(', ')}`,
    lead: view.settings
      .map(({ description }) => description)
      .filter((text) => text !== undefined && text !== '')
      .join(' '),
    summary: summarySection(view),
    intro: html`${hasRuns && legend(view.algorithms.map((name) => ({ name, look: view.lookOf(name) })))}${undrawn(view)}${
      view.trees !== undefined &&
      html`<p><a href="${encodeURIComponent(view.trees)}">Where does credit go?</a> Rollouts of the last iteration as trees, colored by the advantages of every method.</p>`
    }`,
    sections,
    version: view.version,
    many: view.algorithms.length > MANY,
  });
}

function undrawn({ environments, drawn }: View): Markup | false {
  return (
    environments.length > drawn.length &&
    html`<p>Figures are drawn for the first ${drawn.length} of ${environments.length} environments; the tables have all. Reports over fewer runs draw the others.</p>`
  );
}
