import { z } from 'zod';
import { groupBy } from '../../core/group-by.ts';
import { type Random, shuffled } from '../../core/random.ts';
import type { Algorithm, CreditedAction, ForkPoint } from '../algorithm.ts';
import { grpoAdvantages } from '../grpo/index.ts';
import { byQuestion, trajectoryRows } from '../shared/flat.ts';
import { leavesPerTree, treeOfEdges } from '../shared/forest.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, type RolloutTree, type TreeNode } from '../tree.ts';

const schema = z
  .strictObject({
    /** M: trees per question, each beginning with one rollout. */
    trees: z.int().min(1).max(1024).default(2),
    /** L: rounds of expansion. */
    iterations: z.int().min(0).max(64).default(1),
    /** N: nodes expanded per tree and round, drawn with replacement. */
    expansions: z.int().min(1).max(1024).default(2),
    /** K: leaves of a tree that are kept, drawn at random where it has more. */
    keep: z.int().min(1).max(65_536).default(3),
    /** Added to both standard deviations. */
    epsilon: z.number().min(0).default(1e-6),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }),
  })
  .prefault({});

export type TreeGrpoOptions = z.infer<typeof schema>;

/** M rollouts; then L times N nodes of every tree, each equally likely among its root and its open states. */
export function treeGrpoPlan(
  tree: RolloutTree,
  options: TreeGrpoOptions,
  random: Random,
): readonly ForkPoint[] {
  if (tree.edges.length === 0) return Array.from({ length: options.trees }, () => ({ node: 0 }));
  const round = 1 + tree.edges.reduce((latest, edge) => Math.max(latest, edge.round), 0);
  if (round > options.iterations) return [];
  const treeOf = treeOfEdges(tree, options.expansions);
  const open: number[][] = Array.from({ length: options.trees }, () => [0]);
  for (const edge of tree.edges) {
    if (tree.nodes[edge.to]!.end === 'open') open[treeOf[edge.id]!]!.push(edge.to);
  }
  return open.flatMap((nodes) =>
    Array.from({ length: options.expansions }, () => ({ node: nodes[random.integer(nodes.length)]! })),
  );
}

/**
 * A_i = normalised return within its tree + normalised return within the question, both as GRPO normalises
 * (sample std; a group of one keeps its return).
 * @param trees returns of the kept leaves of every tree of one question.
 * @returns advantages in the same shape.
 */
export function treeGrpoAdvantages(
  trees: readonly (readonly number[])[],
  epsilon: number,
): readonly (readonly number[])[] {
  const options = { epsilon, std: 'sample', singleton: 'raw' } as const;
  const across = grpoAdvantages(trees.flat(), options);
  let place = 0;
  return trees.map((returns) => grpoAdvantages(returns, options).map((within) => within + across[place++]!));
}

function credit(
  tree: RolloutTree,
  index: number,
  options: TreeGrpoOptions,
  random: Random,
): readonly CreditedAction[] {
  const treeOf = treeOfEdges(tree, options.expansions);
  const groups: TreeNode[][] = Array.from({ length: options.trees }, () => []);
  for (const leaf of leaves(tree)) groups[treeOf[leaf.parent!]!]!.push(leaf);
  const kept = groups.map((group, number) =>
    group.length <= options.keep
      ? group
      : shuffled(group, random.split('keep', index, number)).slice(0, options.keep),
  );
  const advantages = treeGrpoAdvantages(
    kept.map((group) => group.map((leaf) => leaf.return)),
    options.epsilon,
  );
  const flat = advantages.flat();
  return trajectoryRows(tree, index, (i) => ({ advantage: flat[i]! }), kept.flat());
}

/** Tree Search for LLM Agent Reinforcement Learning (arXiv 2509.21240). */
export const treeGrpo: Algorithm<TreeGrpoOptions> = {
  id: 'tree-grpo',
  description: {
    title: 'Tree-based Group Relative Policy Optimization',
    paper: 'arXiv 2509.21240',
    granularity: 'trajectory',
    evidence: 'code',
    extraSamples: 'random states',
    trained: 'kept leaves',
  },
  schema,
  next: treeGrpoPlan,
  credit: byQuestion(credit),
  lacks: (tree, { trees, expansions }) => {
    const started = tree.edges.filter(({ start }) => start);
    const isPlanned = [...groupBy(started, ({ round }) => String(round))].every(
      ([round, edges]) => edges.length === (round === '0' ? trees : trees * expansions),
    );
    return isPlanned
      ? undefined
      : `trees of its own plan: trees = ${trees} rollouts in round 0, trees * expansions = ${trees * expansions} in every later round (round)`;
  },
  objective: toObjective,
  // Three leaves per tree as in the defaults, where that divides the budget.
  budget: (rollouts) => {
    const size = leavesPerTree(rollouts, 3);
    return { trees: rollouts / size, iterations: 1, expansions: size - 1, keep: size };
  },
};
