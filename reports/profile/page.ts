import { html } from '../html/markup.ts';
import { page } from '../html/shell.ts';
import { heatSection } from './heat.ts';
import { knobSection } from './knobs.ts';
import { methodsSection } from './methods.ts';
import { PROFILE_SCRIPT } from './script.ts';
import { PROFILE_STYLE } from './style.ts';
import { profileSummary } from './summary.ts';
import { createProfileView, type ProfilePageInput } from './view.ts';

/**
 * A profile as one HTML page that needs nothing else: no network, no other file. Equal input gives equal bytes.
 * Names are escaped.
 */
export function renderProfile(input: ProfilePageInput): string {
  const view = createProfileView(input);
  const isEmpty = view.methods.length === 0;
  return page({
    title: 'creditbench profile: what are methods good at?',
    lead: 'Small experiments of one difficulty each, with exact learning scores.',
    summary: isEmpty ? html`<p class="empty">Nothing was measured.</p>` : profileSummary(view),
    sections: isEmpty
      ? []
      : [
          ['heat', 'Methods and experiments', heatSection(view)],
          ['knobs', 'Score against the knob', knobSection(view)],
          ['methods', 'Each method', methodsSection(view)],
        ],
    version: view.version,
    style: PROFILE_STYLE,
    script: PROFILE_SCRIPT,
  });
}
