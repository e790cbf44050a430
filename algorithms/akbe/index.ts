import { z } from 'zod';
import type { Random } from '../../core/random.ts';
import type { Algorithm, Credit, CreditedAction, ForkPoint } from '../algorithm.ts';
import { groupOptions, grpoAdvantages } from '../grpo/index.ts';
import { trajectoryRows } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree, type TreeEdge, type TreeNode } from '../tree.ts';

const { groupSize: _, ...normalisation } = groupOptions;

const schema = z
  .strictObject({
    /** G_wt: rollouts that may use tools, the ones that the policy gradient is taken of. */
    withTool: z.int().min(1).max(4096).default(16),
    /** G_nt: rollouts that have to answer without a tool. */
    noTool: z.int().min(0).max(4096).default(8),
    ...normalisation,
    /** Return from which on a rollout is correct. */
    correct: z.number().default(1),
    /** lambda: weight of the imitation; 0: none. */
    lambda: z.number().min(0).max(100).default(0.05),
    /**
     * Which correct rollout is imitated: 'paper' one with the fewest tool calls where tools are needed, else any
     * correct one without tools; 'shortest' the one with the fewest tokens (released code).
     */
    target: z.enum(['paper', 'shortest']).default('paper'),
    /** The imitation's loss: mean over the target's tokens (released code), or their sum (the paper's formula). */
    nllAggregation: z.enum(['token-mean', 'token-sum']).default('token-mean'),
    ...objectiveOptions({ aggregation: 'token-mean' }),
  })
  .prefault({});

export type AkbeOptions = z.infer<typeof schema>;

/** Both paths of a question at once: with tools, and without. */
export function akbePlan(tree: RolloutTree, { withTool, noTool }: AkbeOptions): readonly ForkPoint[] {
  if (tree.edges.length > 0) return [];
  return Array.from({ length: withTool + noTool }, (_, i) =>
    i < withTool ? { node: 0 } : { node: 0, begin: 'answer' as const },
  );
}

interface Rollout {
  readonly leaf: TreeNode;
  readonly edges: readonly TreeEdge[];
  readonly isToolFree: boolean;
}

function rolloutsOf(tree: RolloutTree): readonly Rollout[] {
  return leaves(tree).map((leaf) => {
    const edges = path(tree, leaf);
    return { leaf, edges, isToolFree: edges[0]!.begin === 'answer' };
  });
}

const least = (rollouts: readonly Rollout[], size: (rollout: Rollout) => number): Rollout | undefined =>
  rollouts.toSorted((a, b) => size(a) - size(b))[0];

const toolCalls = ({ edges }: Rollout): number => edges.filter(({ tool }) => tool).length;

const tokenCount = ({ edges }: Rollout): number => edges.reduce((sum, { tokens }) => sum + tokens.length, 0);

/**
 * The rollout to imitate: without tools where one of those is correct (efficiency where others are, too, and
 * hallucination where not), else one with tools (tool-dependent), or none if all are wrong.
 */
function targetOf(
  rollouts: readonly Rollout[],
  { correct, target }: Pick<AkbeOptions, 'correct' | 'target'>,
  random: Random,
): Rollout | undefined {
  const right = rollouts.filter(({ leaf }) => leaf.return >= correct);
  const toolFree = right.filter(({ isToolFree }) => isToolFree);
  if (toolFree.length === 0) return least(right, target === 'paper' ? toolCalls : tokenCount);
  return target === 'paper' ? toolFree[random.integer(toolFree.length)] : least(toolFree, tokenCount);
}

/** L = L_GRPO over the rollouts with tools + lambda * mean over questions of the target's cross-entropy. */
function credit(trees: readonly RolloutTree[], options: AkbeOptions, random: Random): Credit {
  const actions = trees.flatMap((tree, index): readonly CreditedAction[] => {
    const rollouts = rolloutsOf(tree);
    const free = rollouts.filter(({ isToolFree }) => !isToolFree);
    const advantages = grpoAdvantages(
      free.map(({ leaf }) => leaf.return),
      options,
    );
    const rows = trajectoryRows(
      tree,
      index,
      (i) => ({ advantage: advantages[i]! }),
      free.map(({ leaf }) => leaf),
    );
    const target = targetOf(rollouts, options, random.split('target', index));
    if (target === undefined || options.lambda === 0) return rows;
    const tokens = options.nllAggregation === 'token-mean' ? tokenCount(target) : 1;
    const nllWeight = options.lambda / (trees.length * tokens);
    const imitated = trajectoryRows(
      tree,
      index,
      () => ({ advantage: 0, nllWeight, sequence: `${index}/target` }),
      [target.leaf],
    );
    return [...rows, ...imitated];
  });
  return { actions };
}

/** On-Policy Intrinsic Knowledge Boundary Enhancement (arXiv 2605.26952). */
export const akbe: Algorithm<AkbeOptions> = {
  id: 'akbe',
  description: {
    title: 'On-Policy Intrinsic Knowledge Boundary Enhancement',
    paper: 'arXiv 2605.26952',
    granularity: 'trajectory',
    evidence: 'paper',
    extraSamples: 'tool-free rollouts',
    trained: 'rollouts with tools; one imitated',
  },
  schema,
  next: akbePlan,
  credit,
  objective: toObjective,
  // Two with tools for one without, as published.
  budget: (rollouts) => {
    const noTool = Math.max(1, Math.round(rollouts / 3));
    return { withTool: rollouts - noTool, noTool };
  },
};
