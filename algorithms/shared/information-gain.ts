import type { CreditedAction } from '../algorithm.ts';
import { path, type RolloutTree, type TreeEdge, type TreeNode } from '../tree.ts';
import { trajectoryRows } from './flat.ts';

/** A stretch of a trajectory, and how much closer to the accepted answer it brought the policy. */
export interface GainTurn {
  /** Its actions, first to last; at least one. */
  readonly edges: readonly TreeEdge[];
  /** Measure of the accepted answer at its end minus the one at its beginning. The last turn has none. */
  readonly gain?: number;
}

/** How a trajectory is cut and measured. */
export interface GainOptions {
  /** What ends a turn: an action that got a tool's result, or any action that does not end the episode. */
  readonly ends: 'tool' | 'action';
  /** What the first turn is compared with: the 'root'; or nothing: the 'first' end only gives the baseline. */
  readonly baseline: 'root' | 'first';
  /** Measure of the accepted answer: its mean log-probability per token, or the exponential of that. */
  readonly scale: 'log' | 'probability';
}

/**
 * Cuts the trajectory that ends in `leaf` into turns, each with its information gain. With the baseline 'first' the
 * actions up to the first end belong to the same turn as those up to the second. Whatever comes after the last end
 * (an answer, or an end at a limit) is a turn without gain; where the accepted answer was not measured
 * (`TreeNode.gold`, a task without answers) that is the whole trajectory.
 */
export function gainTurns(tree: RolloutTree, leaf: TreeNode, options: GainOptions): readonly GainTurn[] {
  const measureOf = ({ gold }: TreeNode): number | undefined =>
    gold === undefined || options.scale === 'log' ? gold : Math.exp(gold);
  const turns: GainTurn[] = [];
  let before = options.baseline === 'root' ? measureOf(tree.nodes[0]!) : undefined;
  let edges: TreeEdge[] = [];
  for (const edge of path(tree, leaf)) {
    edges.push(edge);
    const after = measureOf(tree.nodes[edge.to]!);
    if (after === undefined || (options.ends === 'tool' && edge.tool !== true)) continue;
    if (before !== undefined) {
      turns.push({ edges, gain: after - before });
      edges = [];
    }
    before = after;
  }
  return [...turns, { edges }];
}

/** The gains of a trajectory's turns, without the last, which has none. */
export function gainsOf(turns: readonly GainTurn[]): readonly number[] {
  return turns.flatMap(({ gain }) => gain ?? []);
}

/**
 * Every action of the turns of one question's trajectories with its credit; a trajectory is one sequence of the loss.
 * @param index of the question's tree in the batch.
 * @param trajectories the turns of each of the tree's, in the order of their leaves.
 * @param creditOf the credit of an action in turn `turn` of trajectory `trajectory`.
 */
export function turnCredit(
  tree: RolloutTree,
  index: number,
  trajectories: readonly (readonly GainTurn[])[],
  creditOf: (
    trajectory: number,
    turn: number,
    edge: TreeEdge,
  ) => Pick<CreditedAction, 'advantage' | 'clipScale'>,
): readonly CreditedAction[] {
  const turnOf = trajectories.map((turns) => turns.flatMap(({ edges }, turn) => edges.map(() => turn)));
  return trajectoryRows(tree, index, (trajectory, edge, place) =>
    creditOf(trajectory, turnOf[trajectory]![place]!, edge),
  );
}
