import { mean } from '../../core/statistics.ts';
import { html, type Markup } from '../html/markup.ts';
import { decimal, sortableTable } from '../html/table.ts';
import { returnsOfTree } from './credit.ts';
import { plainNumber, shortName } from './text.ts';
import type { PageView } from './view.ts';

/** The questions of the page, most disagreement first. */
export function questionsSection({ trees, leftOut, limits }: PageView): Markup {
  const rows = trees.map((tree, index) => {
    const returns = returnsOfTree(tree.grown);
    return [
      {
        content: html`<a href="#t${index}">${shortName(tree.question, 90)}</a>${tree.label !== undefined && html`<small>${shortName(tree.label)}</small>`}`,
      },
      decimal(returns.length, 0),
      { content: plainNumber(mean(returns)), sort: mean(returns) },
      decimal(tree.tokens + tree.leftOut, 0),
      decimal(tree.disagreement, 3),
    ];
  });
  return html`<section id="questions"><h2>Questions</h2>
${leftOut > 0 && html`<p><b>${leftOut} of ${leftOut + trees.length} trees are left out</b>: a page has at most ${limits.trees} trees and ${limits.tokens} tokens, those with most disagreement first.</p>`}
${sortableTable(
  'Questions, most disagreement first',
  [
    { label: 'question' },
    { label: 'rollouts' },
    { label: 'mean return' },
    { label: 'tokens', hint: 'of actions; what rollouts share counts once' },
    {
      label: 'disagreement',
      hint: 'mean over tokens and pairs of methods: 1 where one makes the token likelier and the other less likely, 1/2 where only one moves it',
    },
  ],
  rows,
)}</section>`;
}
