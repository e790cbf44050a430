import type { RolloutTree } from '../tree.ts';

/**
 * Methods that grow several trees per question (Tree-GRPO, TreeRL) share one root here. A tree is then what grew
 * from one of the initial rollouts. A later rollout belongs to the tree that it left; if it forks the root, to the tree
 * whose turn it was in the plan.
 * @param forksPerTree how many fork points a plan names per tree and call, tree after tree.
 * @returns for every edge, the number of its tree: 0 for that of the first initial rollout.
 */
export function treeOfEdges(tree: RolloutTree, forksPerTree: number): Int32Array {
  const result = new Int32Array(tree.edges.length);
  const seen = new Map<number, number>();
  // The engine adds the first edges of a round in the order of its fork points, and parents before children.
  for (const edge of tree.edges) {
    const left = edge.shared?.edge ?? tree.nodes[edge.from]!.parent;
    // Counted even where it is not needed: a fork point's place is among all of its call.
    const place = seen.get(edge.round) ?? 0;
    if (edge.start) seen.set(edge.round, place + 1);
    const planned = edge.round === 0 ? place : Math.floor(place / forksPerTree);
    result[edge.id] = left === undefined ? planned : result[left]!;
  }
  return result;
}

/**
 * How to split a budget into trees of equal size: the number of leaves per tree, a divisor of `rollouts`.
 * Nearest to `preferred` (the larger at a tie) among those that give two trees or more; if there is none (prime
 * numbers), all rollouts are one tree.
 * @param rollouts 2 or more.
 */
export function leavesPerTree(rollouts: number, preferred: number): number {
  let best = rollouts;
  let distance = Number.POSITIVE_INFINITY;
  for (let size = 2; size <= rollouts / 2; size++) {
    if (rollouts % size === 0 && Math.abs(size - preferred) <= distance) {
      best = size;
      distance = Math.abs(size - preferred);
    }
  }
  return best;
}
