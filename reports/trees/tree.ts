import { mean, standardDeviation } from '../../core/statistics.ts';
import { escapeHtml, html, Markup } from '../html/markup.ts';
import { decimal, sortableTable } from '../html/table.ts';
import { returnsOfTree, summaryOf } from './credit.ts';
import { shortened } from './encode.ts';
import type { ActionRow, ReadRow, TreeRow } from './rows.ts';
import { classOf, type Scale, UNTRAINED } from './scale.ts';
import { plainNumber, shortName, type TextBudget } from './text.ts';
import { type PageView, type TreeView, turnOf } from './view.ts';

/** Characters of one text that are shown. */
const MOST = { question: 1000, read: 600, action: 2000, piece: 60 } as const;
/** Names of rollouts that a row lists. */
const NAMES = 6;

/** All trees of the page, the first of them open. */
export function treesSection(view: PageView, texts: TextBudget): Markup {
  return html`<section id="trees"><h2>Trees</h2>
<p class="hint">Tokens that several rollouts share stand once and have the sum of what the rollouts give them: what the gradient has there. Press a token for what every method says of it; arrow keys move. <button type="button" id="expand">Open all trees</button></p>
${view.trees.map((tree, index) => treeDetails(tree, index, view, texts))}
<div id="pin" role="status" hidden></div></section>`;
}

function treeDetails(tree: TreeView, index: number, view: PageView, texts: TextBudget): Markup {
  const { task } = tree.grown.tree;
  const [first] = tree.trajectories;
  const title = html`${shortName(tree.question, 120)}${tree.label !== undefined && html` <small>${shortName(tree.label)}</small>`}`;
  const answers = (first?.answers ?? []).join(' · ');
  return html`<details class="tree" id="t${index}" data-tree="${index}"${index === 0 && html` open`}><summary><h3>${title}</h3></summary>
${first?.question !== undefined && !tree.question.endsWith(first.question) && html`<p>${texts.take(first.question, MOST.question)}</p>`}
${answers !== '' && html`<p class="meta">accepted: ${texts.take(answers, MOST.question)}</p>`}
<p class="meta">${statistics(tree)}</p>
${methodTable(tree, view, String(task.id))}
<ol class="rows">${tree.rows.map((row) => rowItem(tree, row, view.scales[0], texts))}</ol>
${tree.leftOut > 0 && html`<p><b>${tree.leftOut} more tokens of this tree are left out</b>: the page has ${view.limits.tokens}.</p>`}
</details>\n`;
}

/** The group in numbers. */
function statistics({ grown, trajectories, tokens, leftOut, disagreement }: TreeView): string {
  const returns = returnsOfTree(grown);
  const { edges, nodes } = grown.tree;
  const forks = nodes.filter(({ children }) => children.length > 1).length;
  const inside = edges.filter(({ shared }) => shared !== undefined).length;
  const truncated = nodes.filter(({ end }) => end === 'truncated').length;
  const sampled = trajectories.reduce(
    (sum, { turns }) => sum + turns.reduce((all, turn) => all + turn.tokens.length, 0),
    0,
  );
  return [
    count(returns.length, 'rollout'),
    returns.length === 1
      ? `return ${plainNumber(returns[0]!)}`
      : `return ${plainNumber(mean(returns))} on average, std ${plainNumber(standardDeviation(returns, 'sample'))}, from ${plainNumber(returns.reduce((a, b) => Math.min(a, b)))} to ${plainNumber(returns.reduce((a, b) => Math.max(a, b)))}`,
    ...(forks > 0 ? [`${count(forks, 'state')} with several actions`] : []),
    ...(inside > 0 ? [`${count(inside, 'fork')} inside an action`] : []),
    ...(truncated > 0 ? [`${truncated} truncated`] : []),
    `${count(tokens + leftOut, 'token')}${sampled > tokens + leftOut ? `, ${sampled} with repetitions` : ''}`,
    `disagreement ${plainNumber(disagreement)}`,
  ].join(' · ');
}

const count = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`;

function methodTable(tree: TreeView, { methods }: PageView, id: string): Markup {
  const missing: Markup[] = [];
  const rows = methods.flatMap((method, index) => {
    const credit = tree.credits[method];
    const values = tree.values[index];
    if (credit === undefined) return [];
    if (values === undefined) {
      const lacks = 'lacks' in credit ? credit.lacks : '';
      missing.push(html`<li>${shortName(method)} lacks ${shortName(lacks, 200)}</li>`);
      return [];
    }
    const { tokens, trained, zero, mean: average, low, high } = summaryOf(values);
    const share = (part: number) => decimal(tokens === 0 ? Number.NaN : (100 * part) / tokens, 0, ' %');
    if (trained === 0) return [[shortName(method), null, null, null, share(0), share(0)]];
    return [
      [
        shortName(method),
        decimal(average, 3),
        decimal(low, 3),
        decimal(high, 3),
        share(trained),
        share(zero),
      ],
    ];
  });
  return html`<details><summary>What each method says here</summary>${sortableTable(
    `Advantages by token in ${shortName(id, 40)}`,
    ['method', 'mean', 'least', 'most', 'trained', 'of 0'].map((label) => ({ label })),
    rows,
  )}${missing.length > 0 && html`<ul class="meta">${missing}</ul>`}</details>`;
}

function rowItem(tree: TreeView, row: TreeRow, scale: Scale | undefined, texts: TextBudget): Markup {
  const { depth, branch } = row;
  const fork =
    branch !== undefined && html`<span class="fork">branch ${branch.index} of ${branch.of}</span> `;
  return html`<li style="--d:${depth}" aria-level="${depth + 1}"${branch !== undefined && html` class="branch"`}>${
    row.kind === 'read' ? readItem(tree, row, fork, texts) : actionItem(tree, row, { fork, scale, texts })
  }</li>\n`;
}

function readItem(tree: TreeView, row: ReadRow, fork: Markup | false, texts: TextBudget): Markup {
  const { observation } = turnOf(tree, row);
  const { text, tokens, actions } = observation ?? {};
  const read =
    text === undefined || text === ''
      ? tokens === undefined
        ? 'what was read is not in the file'
        : `${count(tokens.length, 'token')} read`
      : texts.take(text.trim(), MOST.read);
  return html`<p class="read">${fork}${read}${
    actions !== undefined && html`<small>may choose: ${texts.take(actions.join(' · '), MOST.read)}</small>`
  }</p>`;
}

function actionItem(
  tree: TreeView,
  row: ActionRow,
  {
    fork,
    scale,
    texts,
  }: { readonly fork: Markup | false; readonly scale: Scale | undefined; readonly texts: TextBudget },
): Markup {
  const { turn, from, to, leaf } = row;
  const { text, tokens, pieces, cut } = turnOf(tree, row);
  const values = tree.values[0];
  const names = [...new Set(row.trajectories)].map((index) => shortName(tree.trajectories[index]!.id, 24));
  const more = names.length > NAMES ? ` and ${names.length - NAMES} more` : '';
  const where = `turn ${turn + 1}${from > 0 ? `, from token ${from + 1}` : ''} · ${names.length === 1 ? 'rollout' : 'rollouts'} ${names.slice(0, NAMES).join(', ')}${more}`;
  const isOne = tokens.length === 1 && text !== undefined;
  const wordOf = (token: number): string => {
    const piece = isOne ? text : pieces?.[token];
    if (piece === undefined) return String(tokens[token]);
    return texts.take(piece, isOne ? MOST.action : MOST.piece);
  };
  const words = Array.from({ length: to - from }, (_, index) => {
    const value = values?.[row.first + index] ?? Number.NaN;
    const name = scale === undefined ? UNTRAINED : classOf(shortened(value), scale);
    // By hand: this is most of the page.
    return `<b class="${name}">${escapeHtml(visible(wordOf(from + index)))}</b>`;
  }).join('');
  const isKnown = isOne || pieces !== undefined;
  return html`<p class="where">${fork}${where}${cut === true && to === tokens.length && ' · cut at the limit'}<output></output></p>
${!isKnown && text !== undefined && from === 0 && html`<p class="whole">${texts.take(text, MOST.action)}</p>`}
<p class="tokens${!isKnown && ' ids'}">${Markup.trusted(words)}</p>${
    leaf !== undefined &&
    html`<p class="leaf">return <b>${plainNumber(leaf.return)}</b>${leaf.isTruncated && ' · truncated'}</p>`
  }`;
}

/** Line breaks can be seen and colored. */
const visible = (text: string): string => (text === '' ? '∅' : text.replaceAll(/\r?\n/g, '↵\n'));
