import type { RolloutTree, TreeEdge } from './tree.ts';

/** A hand-written tree with other values in some of its edges: edge id to what differs. */
export function editEdges(
  tree: RolloutTree,
  edits: Readonly<Record<number, Partial<TreeEdge>>>,
): RolloutTree {
  return { ...tree, edges: tree.edges.map((edge) => ({ ...edge, ...edits[edge.id] })) };
}

/** That many tokens, each as likely as `probability` and with that entropy. */
export function tokens(
  count: number,
  { probability = 0.5, entropy = 1 }: { readonly probability?: number; readonly entropy?: number } = {},
): Pick<TreeEdge, 'tokens' | 'logProbs' | 'entropies'> {
  return {
    tokens: new Array<number>(count).fill(0),
    logProbs: new Array<number>(count).fill(Math.log(probability)),
    entropies: new Array<number>(count).fill(entropy),
  };
}
