import { html, type Markup } from './markup.ts';
import { describeOptions, describeValue } from './settings.ts';
import type { View } from './view.ts';

/** What was run, with what, and how to do it again. */
export function settingsSection(view: View): Markup {
  const { sources, settings } = view;
  return html`<section id="setup"><h2>Setup</h2>
${sources.runs.map(({ folder, version, suite }, index) => {
  const { name, backend, rates, seeds, algorithms = [], environments = [] } = settings[index]!;
  return html`<h3>${folder}</h3><ul>
<li>suite ${describeValue(name)}, ${describeValue(seeds)} seeds, learning rates ${describeValue(rates)}, backend ${describeValue(backend)}, creditbench ${describeValue(version)}</li>
${algorithms.map((one) => html`<li><b>${one.name}</b>: ${one.id}; ${describeOptions(one.options)}</li>`)}
${environments.map(
  (one) =>
    html`<li><b>${one.id}</b>: ${describeOptions(one.options)}<br>policy ${one.policy?.id ?? 'not recorded'}: ${describeOptions(one.policy?.options)}<br>training: ${describeOptions(one.training)}<br>starting weights: ${describeOptions(one.warmStart)}</li>`,
)}</ul>
<details><summary>Everything that the folder records of it</summary><pre>${suite === undefined ? 'not recorded' : JSON.stringify(suite, null, 2)}</pre></details>`;
})}
${sources.audits.map(({ folder }) => html`<p>Audit: ${folder}</p>`)}${sources.criticality.map(({ folder }) => html`<p>Criticality: ${folder}</p>`)}
${fingerprints(view)}</section>`;
}

function fingerprints({ sources }: View): Markup | false {
  const found = new Map<string, Set<string>>();
  for (const { environment, fingerprint } of sources.cells) {
    if (fingerprint === undefined) continue;
    found.set(environment, (found.get(environment) ?? new Set()).add(fingerprint));
  }
  if (found.size === 0) return false;
  return html`<p>Fingerprints of data, corpus and retrieval:</p><ul>${[...found].map(
    ([environment, prints]) =>
      html`<li>${environment}: ${[...prints].map((print) => html`<code>${print}</code> `)}${
        prints.size > 1 && html`<b class="bad">differ: these scores are of different tasks</b>`
      }</li>`,
  )}</ul>`;
}
