import { areEqual } from '../../core/statistics.ts';
import type { Credit } from '../algorithm.ts';
import { type RolloutTree, returnScale } from '../tree.ts';

/**
 * Batch whitening: A = (x - mean) / sqrt(variance + epsilon), mean and variance over every token of every
 * credited action, however many questions the actions come from. An advantage given once for an action counts
 * once per token, so long actions and long trajectories weigh more. The variance is the sample variance
 * (divisor n - 1), as in verl's `masked_whiten`. Values that are all equal up to rounding, a single one included, become 0.
 * @param credit actions of `trees` without token weights; every one of their tokens counts alike.
 * @param epsilon added to the variance, at least 0.
 */
export function whiten(trees: readonly RolloutTree[], { actions }: Credit, epsilon: number): Credit {
  const total = (of: (advantage: number) => number): number =>
    actions.reduce((sum, { tree, edge, advantage }) => {
      if (typeof advantage === 'number') {
        return sum + trees[tree]!.edges[edge]!.tokens.length * of(advantage);
      }
      return sum + advantage.reduce((part, value) => part + of(value), 0);
    }, 0);
  const count = total(() => 1);
  const center = total((value) => value) / count;
  const variance = total((value) => (value - center) ** 2) / (count - 1);
  // Equal up to the rounding of the returns: exactly 0, so that a small epsilon cannot blow it up.
  const equal = areEqual(
    actions.flatMap(({ advantage }) => advantage),
    trees.reduce((scale, tree) => Math.max(scale, returnScale(tree)), 0),
  );
  const scale = Math.sqrt(variance + epsilon);
  const whitened = (value: number): number => (equal ? 0 : (value - center) / scale);
  return {
    actions: actions.map((action) => ({
      ...action,
      advantage:
        typeof action.advantage === 'number' ? whitened(action.advantage) : action.advantage.map(whitened),
    })),
  };
}
