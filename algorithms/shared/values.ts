import type { RolloutTree } from '../tree.ts';

/**
 * The value of every node, from the returns of the leaves below it; index = node id.
 * - `children`: the unweighted mean over child values (CARL Eq. 9-10). Unbiased for every node whose children
 *   are drawn without looking at their outcomes, however many leaves each child has.
 * - `leaves`: the mean over descendant leaves (TreeRL). Over-weights children that were forked again.
 */
export function nodeValues(tree: RolloutTree, weighting: 'children' | 'leaves'): Float64Array {
  const values = new Float64Array(tree.nodes.length);
  const counts = new Float64Array(tree.nodes.length);
  // In one piece: large trees do not fit into the processor's cache, their numbers do.
  const ends = new Int32Array(tree.edges.length);
  for (const { id, to } of tree.edges) ends[id] = to;
  // A child's id is always greater than its parent's, so one backward pass sees children first.
  for (let id = tree.nodes.length - 1; id >= 0; id--) {
    const node = tree.nodes[id]!;
    if (node.end !== 'open') {
      values[id] = node.return;
      counts[id] = 1;
      continue;
    }
    let sum = 0;
    let weight = 0;
    for (const edge of node.children) {
      const child = ends[edge]!;
      const share = weighting === 'children' ? 1 : counts[child]!;
      sum += share * values[child]!;
      weight += share;
      counts[id]! += counts[child]!;
    }
    values[id] = sum / weight;
  }
  return values;
}
