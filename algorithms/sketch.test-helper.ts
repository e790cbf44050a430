import type { RolloutTree, TreeEdge, TreeNode } from './tree.ts';

/** A hand-written tree for tests: an action's own entry, with the actions that follow or the final return. */
export interface Sketch {
  readonly name?: string;
  readonly round?: number;
  readonly start?: boolean;
  /** Negative log-likelihood of the action; default 1. */
  readonly surprisal?: number;
  /** Return of the episode when it ends here. */
  readonly end?: number;
  readonly next?: readonly Sketch[];
}

/**
 * Builds the rollout tree of a sketch. Edges are numbered in depth-first order; each edge has one token and
 * is called by its `name`.
 */
export function sketchTree(actions: readonly Sketch[]): RolloutTree {
  const nodes: (TreeNode & { children: number[] })[] = [];
  const edges: TreeEdge[] = [];
  const addNode = (parent: number | undefined, depth: number, end: number | undefined) => {
    const node = {
      id: nodes.length,
      parent,
      state: null,
      depth,
      prompt: { text: `node ${nodes.length}` },
      end: end === undefined ? ('open' as const) : ('terminated' as const),
      children: [] as number[],
      return: end ?? 0,
    };
    nodes.push(node);
    return node;
  };
  const grow = (from: ReturnType<typeof addNode>, children: readonly Sketch[]): void => {
    for (const child of children) {
      const id = edges.length;
      const surprisal = child.surprisal ?? 1;
      const edge: TreeEdge = {
        id,
        from: from.id,
        to: nodes.length,
        action: child.name ?? String(id),
        tokens: [0],
        logProbs: [-surprisal],
        entropies: [surprisal],
        reward: child.end ?? 0,
        round: child.round ?? 0,
        start: child.start ?? from.id === 0,
      };
      edges.push(edge);
      from.children.push(id);
      const node = addNode(id, from.depth + 1, child.end);
      grow(node, child.next ?? []);
    }
  };
  grow(addNode(undefined, 0, undefined), actions);
  return { task: { id: 't', question: 'q', answers: ['a'], kind: 'k', hops: 1 }, nodes, edges };
}

/** One chain of `length` actions per return. */
export function chains(returns: readonly number[], length = 1): RolloutTree {
  const chain = (end: number, left: number): Sketch =>
    left === 1 ? { end } : { next: [chain(end, left - 1)] };
  return sketchTree(returns.map((end) => chain(end, length)));
}
