import type { Credit, CreditedAction, ForkPoint } from '../algorithm.ts';
import { leaves, path, type RolloutTree } from '../tree.ts';

/** The plan of methods without branching: `size` independent rollouts from the root. */
export function flatPlan(tree: RolloutTree, size: number): readonly ForkPoint[] {
  return tree.edges.length === 0 ? Array.from({ length: size }, () => ({ node: 0 })) : [];
}

/**
 * Credit by trajectory: every action of a trajectory gets the trajectory's advantage, and a trajectory is one
 * sequence of the loss.
 * @param advantages from the returns of one question's trajectories to their advantages, same order.
 */
export function trajectoryCredit(
  trees: readonly RolloutTree[],
  advantages: (returns: readonly number[]) => readonly number[],
): Credit {
  const actions: CreditedAction[] = [];
  for (const [index, tree] of trees.entries()) {
    const ends = leaves(tree);
    const values = advantages(ends.map((leaf) => leaf.return));
    for (const [i, leaf] of ends.entries()) {
      for (const edge of path(tree, leaf)) {
        actions.push({ tree: index, edge: edge.id, advantage: values[i]!, sequence: `${index}/${leaf.id}` });
      }
    }
  }
  return { actions };
}
