import type { RolloutTree, TreeNode } from '../../algorithms/tree.ts';
import type { Policy } from '../../policies/policy.ts';

/**
 * What a set of rollout trees cost to make. Sums over all trees.
 * @experimental
 */
export interface RolloutCost {
  readonly trajectories: number;
  readonly actions: number;
  /** Tokens drawn: those that a fork inside an action shares with another action are not drawn again. */
  readonly generatedTokens: number;
  /** Every action reads its whole prompt (and the tokens it shares with another action). */
  readonly prefillTokens: number;
  /**
   * What is left with a cache of prefixes. Listed actions: the size of the trie of a tree's prompts. Free text:
   * the first prompt and every observation once, each with the last token of the action before it; the other
   * tokens of the agent are in the cache since they were drawn.
   */
  readonly prefillTokensShared: number;
  readonly environmentCalls: number;
  readonly truncated: number;
  /** Actions and observations cut at their limits of tokens. */
  readonly cutActions: number;
  readonly cutObservations: number;
}

/**
 * Counts what the trees cost. Exact: from the sampled tokens and the prompts themselves.
 * @experimental
 */
export function rolloutCost(
  trees: readonly RolloutTree[],
  policy: Pick<Policy, 'promptTokens'>,
): RolloutCost {
  let trajectories = 0;
  let truncated = 0;
  let actions = 0;
  let generatedTokens = 0;
  let prefillTokens = 0;
  let prefillTokensShared = 0;
  let cutActions = 0;
  let cutObservations = 0;
  for (const tree of trees) {
    actions += tree.edges.length;
    for (const { tokens, shared, cut } of tree.edges) {
      generatedTokens += tokens.length - (shared?.tokens ?? 0);
      prefillTokens += shared?.tokens ?? 0;
      if (cut) cutActions++;
    }
    const prompts: ArrayLike<number>[] = [];
    for (const node of tree.nodes) {
      if (node.end !== 'open') trajectories++;
      if (node.end === 'truncated') truncated++;
      if (node.prompt.cut) cutObservations++;
      if (node.children.length === 0) continue;
      const tokens = policy.promptTokens(node.prompt);
      prefillTokens += tokens.length * node.children.length;
      if (node.prompt.tokens === undefined) prompts.push(tokens);
      else prefillTokensShared += tokens.length - alreadyRead(tree, node);
    }
    prefillTokensShared += trieSize(prompts);
  }
  return {
    trajectories,
    actions,
    generatedTokens,
    prefillTokens,
    prefillTokensShared,
    environmentCalls: actions,
    truncated,
    cutActions,
    cutObservations,
  };
}

/** Tokens of a node's context that were in the cache before its observation came: all but the last drawn. */
function alreadyRead(tree: RolloutTree, node: TreeNode): number {
  if (node.parent === undefined) return 0;
  const edge = tree.edges[node.parent]!;
  return tree.nodes[edge.from]!.prompt.tokens!.length + edge.tokens.length - 1;
}

/** Number of distinct non-empty prefixes: in sorted order each sequence adds what its neighbour lacks. */
function trieSize(sequences: ArrayLike<number>[]): number {
  const sorted = sequences.sort((a, b) => {
    const same = commonPrefix(a, b);
    return (a[same] ?? -1) - (b[same] ?? -1);
  });
  return sorted.reduce(
    (size, sequence, index) =>
      size + sequence.length - (index === 0 ? 0 : commonPrefix(sorted[index - 1]!, sequence)),
    0,
  );
}

function commonPrefix(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}
