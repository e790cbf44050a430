import type { Random } from '../../core/random.ts';
import type { Algorithm, Credit, CreditedAction, ForkPoint } from '../algorithm.ts';
import { leaves, path, type RolloutTree, returnsOf, type TreeEdge, type TreeNode } from '../tree.ts';

/** The plan of methods without branching: `size` independent rollouts from the root. */
export function flatPlan(tree: RolloutTree, size: number): readonly ForkPoint[] {
  return tree.edges.length === 0 ? Array.from({ length: size }, () => ({ node: 0 })) : [];
}

/** What one action of a trajectory is credited with; `sequence` only if it is not the trajectory's own. */
type ActionCredit = Omit<CreditedAction, 'tree' | 'edge' | 'sequence'> &
  Partial<Pick<CreditedAction, 'sequence'>>;

/**
 * The rows of one question's trajectories, one for every action of each. A trajectory is one sequence of the loss; an
 * action that several trajectories share is in the sequence of each.
 * @param index of the tree in the batch.
 * @param creditOf what an action gets, from the number of its trajectory in `ends`, itself, and its place in the
 * trajectory, from 0.
 * @param ends the leaves of the trajectories to train. Default: all of the tree's, in the order they were reached.
 */
export function trajectoryRows(
  tree: RolloutTree,
  index: number,
  creditOf: (trajectory: number, edge: TreeEdge, place: number) => ActionCredit,
  ends: readonly TreeNode[] = leaves(tree),
): readonly CreditedAction[] {
  return ends.flatMap((leaf, trajectory) => {
    const sequence = `${index}/${leaf.id}`;
    return path(tree, leaf).map((edge, place) => ({
      tree: index,
      edge: edge.id,
      sequence,
      ...creditOf(trajectory, edge, place),
    }));
  });
}

/**
 * Credit of questions that do not look at each other: the rows of each tree, one tree after the other.
 * @param rowsOf from a question's tree and its index in the batch.
 */
export function byQuestion<Options>(
  rowsOf: (tree: RolloutTree, index: number, options: Options, random: Random) => readonly CreditedAction[],
): Algorithm<Options>['credit'] {
  return (trees, options, random) => ({
    actions: trees.flatMap((tree, index) => rowsOf(tree, index, options, random)),
  });
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
  const actions = trees.flatMap((tree, index) => {
    const values = advantages(returnsOf(tree));
    return trajectoryRows(tree, index, (trajectory) => ({ advantage: values[trajectory]! }));
  });
  return { actions };
}
