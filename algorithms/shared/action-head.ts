import type { HeadLoss } from '../algorithm.ts';
import { leaves, path, type RolloutTree, type TreeNode } from '../tree.ts';

/**
 * The loss of a head that says one number per action: its output at the action's last token. The mean over all
 * trajectories of a loss of each one's numbers.
 * @param own the loss of one trajectory and its gradients, from its actions' numbers, first to last.
 */
export function actionHeadLoss(
  trees: readonly RolloutTree[],
  own: (
    numbers: readonly number[],
    tree: RolloutTree,
    leaf: TreeNode,
  ) => { readonly loss: number; readonly gradients: ArrayLike<number> },
): HeadLoss {
  const trajectories = trees.flatMap((tree, index) =>
    leaves(tree).map((leaf) => ({ tree, index, leaf, edges: path(tree, leaf) })),
  );
  const count = trajectories.length;
  return (outputs) => {
    let loss = 0;
    const gradients = outputs.map((edges) => edges.map((values) => new Float64Array(values.length)));
    for (const { tree, index, leaf, edges } of trajectories) {
      const result = own(
        edges.map(({ id }) => outputs[index]![id]!.at(-1)!),
        tree,
        leaf,
      );
      loss += result.loss / count;
      // Trajectories may share actions: their gradients add up.
      for (const [t, { id, tokens }] of edges.entries()) {
        gradients[index]![id]![tokens.length - 1]! += result.gradients[t]! / count;
      }
    }
    return { loss, gradients };
  };
}
