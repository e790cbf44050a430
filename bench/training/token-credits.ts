import type { RolloutTree } from '../../algorithms/tree.ts';
import type { TrainingRow } from './update.ts';

/**
 * The credit of every token of every action: its advantages times their weights, summed over the sequences that the action
 * is in. By tree and edge; undefined for actions that are not trained.
 */
export function tokenCredits(
  trees: readonly RolloutTree[],
  rows: readonly TrainingRow[],
): readonly (readonly (Float64Array | undefined)[])[] {
  const credits = trees.map(({ edges }) => new Array<Float64Array | undefined>(edges.length).fill(undefined));
  for (const { tree, edge, advantages, weights } of rows) {
    const credit = credits[tree]![edge] ?? new Float64Array(advantages.length);
    credits[tree]![edge] = credit;
    for (const [t, advantage] of advantages.entries()) credit[t]! += advantage * (weights?.[t] ?? 1);
  }
  return credits;
}
