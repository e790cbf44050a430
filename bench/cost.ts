import type { RolloutTree } from '../algorithms/tree.ts';
import type { Policy } from '../policies/policy.ts';

/** What a set of rollout trees cost to make. Sums over all trees. */
export interface RolloutCost {
  readonly trajectories: number;
  readonly actions: number;
  readonly generatedTokens: number;
  /** Every action reads its whole prompt. */
  readonly prefillTokens: number;
  /** A prefix shared by prompts of the same tree is read once: the size of the trie of its prompts. */
  readonly prefillTokensShared: number;
  readonly environmentCalls: number;
  readonly truncated: number;
}

/** Counts what the trees cost. Exact: from the sampled tokens and the prompts themselves. */
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
  for (const tree of trees) {
    actions += tree.edges.length;
    for (const edge of tree.edges) generatedTokens += edge.tokens.length;
    const prompts: ArrayLike<number>[] = [];
    for (const node of tree.nodes) {
      if (node.end !== 'open') trajectories++;
      if (node.end === 'truncated') truncated++;
      if (node.children.length === 0) continue;
      const tokens = policy.promptTokens(node.prompt);
      prefillTokens += tokens.length * node.children.length;
      prompts.push(tokens);
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
  };
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
