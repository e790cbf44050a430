import type { Head, TokenValues } from '../algorithm.ts';
import { leaves, path, type RolloutTree, type TreeNode } from '../tree.ts';

/**
 * The loss of a head that says one number per action: its output at the action's last token. The mean over all
 * trajectories of a loss of each one's numbers.
 * @param own the loss of one trajectory and its gradients, from its actions' numbers, first to last.
 */
export function actionHeadLoss(
  trees: readonly RolloutTree[],
  outputs: TokenValues,
  own: (
    numbers: readonly number[],
    tree: RolloutTree,
    leaf: TreeNode,
  ) => { readonly loss: number; readonly gradients: ArrayLike<number> },
): ReturnType<Head['loss']> {
  const count = trees.reduce((sum, tree) => sum + leaves(tree).length, 0);
  let loss = 0;
  const gradients = outputs.map((edges) => edges.map((values) => new Float64Array(values.length)));
  for (const [index, tree] of trees.entries()) {
    for (const leaf of leaves(tree)) {
      const edges = path(tree, leaf);
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
  }
  return { loss, gradients };
}
