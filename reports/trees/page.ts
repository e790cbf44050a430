import { packageInfo } from '../../core/package.ts';
import { html, Markup } from '../html/markup.ts';
import { page } from '../html/shell.ts';
import { controls, pageData } from './controls.ts';
import { inScript } from './encode.ts';
import type { TreePageInput } from './input.ts';
import { questionsSection } from './questions.ts';
import { TREE_SCRIPT } from './script.ts';
import { TREE_STYLE } from './style.ts';
import { textBudget } from './text.ts';
import { treesSection } from './tree.ts';
import { createPageView, type PageView } from './view.ts';

/**
 * Rollout trees as one HTML page that needs nothing else: every token once, colored by the advantage that the chosen method
 * gives it. Equal input gives equal bytes. Names and texts are escaped. What is beyond `most` is left out, and counted.
 * @experimental
 */
export function treePage(input: TreePageInput): string {
  const view = createPageView(input);
  const { title = 'creditbench: where does credit go?', version = packageInfo().version } = input;
  const isEmpty = view.trees.length === 0;
  const texts = textBudget(view.limits.characters);
  return page({
    title,
    lead: input.lead ?? 'Rollouts as trees, token by token, colored by the advantage that a method gives.',
    summary: isEmpty
      ? html`<p class="empty">There is nothing to show.</p>`
      : html`${(input.notes ?? []).map((note) => html`<p>${note}</p>`)}`,
    ...(isEmpty
      ? {}
      : {
          intro: html`${controls(view)}
${numbers(view)}`,
        }),
    sections: isEmpty
      ? []
      : [
          ['questions', 'Questions', questionsSection(view)],
          ['trees', 'Trees', treesSection(view, texts)],
        ],
    version,
    style: TREE_STYLE,
    script: TREE_SCRIPT,
  });
}

/** The numbers that the script reads. It never runs: it is no script to a browser. */
const numbers = (view: PageView): Markup =>
  html`<script type="application/json" id="numbers">${Markup.trusted(inScript(pageData(view)))}</script>`;
