import { html, type Markup } from '../html/markup.ts';
import { formatNumber } from '../html/table.ts';
import { ALL_STEPS, STEPS, stepClass } from '../profile/colors.ts';
import { encode } from './encode.ts';
import type { Scale } from './scale.ts';
import { shortName } from './text.ts';
import { idsOf, measured, type PageView } from './view.ts';

/** What tokens can be colored by: the methods, and the policy's entropies. */
export function controls({ methods, scales }: PageView): Markup {
  return html`<div class="by"><label for="by">Color by</label> <select id="by">
${methods.length > 0 && html`<optgroup label="Advantage by">${methods.map((method, index) => html`<option value="${index}">${shortName(method)}</option>`)}</optgroup>`}
<optgroup label="The policy"><option value="entropy">entropy</option></optgroup></select>
<noscript>Other methods need the page’s script.</noscript>
${scales.length > 0 && legend(scales[0]!)}</div>`;
}

/** The colors and their numbers. The script writes other numbers there. */
function legend(scale: Scale): Markup {
  return html`<span class="scale" aria-label="Colors"><span class="steps" data-signed><span id="low">${endOf(scale, -1)}</span>${ALL_STEPS.filter(
    (step) => step < 0,
  ).map(
    (step) => html`<b class="${stepClass(step)}"></b>`,
  )}</span><span class="steps"><b class="p0 zero">0</b></span><span class="steps" data-signed>${ALL_STEPS.filter(
    (step) => step > 0,
  ).map(
    (step) => html`<b class="${stepClass(step)}"></b>`,
  )}<span id="high">${endOf(scale, 1)}</span></span><span class="steps" data-entropy hidden>${Array.from(
    { length: STEPS },
    (_, step) => html`<b class="e${step + 1}"></b>`,
  )}<span id="most"></span></span><span class="steps"><b class="u key">abc</b> <span data-signed>not trained</span><span data-entropy hidden>not known</span></span></span>`;
}

/** The number at an end of the legend. */
export function endOf({ end, isOpen }: Scale, sign: 1 | -1): string {
  const bound = isOpen ? (sign < 0 ? '≤ ' : '≥ ') : '';
  const digits = Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(end))));
  return `${bound}${sign < 0 ? '' : '+'}${formatNumber(sign * end, digits)}`;
}

/** The numbers of the page, for its script. */
export function pageData(view: PageView): object {
  const ends = (scale: Scale) => [scale.end, endOf(scale, -1), endOf(scale, 1)];
  return {
    methods: view.methods.map((method) => shortName(method)),
    scales: view.scales.map(ends),
    entropy: ends(view.entropies),
    trees: view.trees.map((tree) => ({
      ids: encode(idsOf(tree)),
      entropy: encode(measured(tree, 'entropies')),
      logprob: encode(measured(tree, 'logprobs')),
      values: tree.values.map((values) => (values === undefined ? null : encode(values))),
    })),
  };
}
