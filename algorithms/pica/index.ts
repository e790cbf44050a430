import { z } from 'zod';
import type { Algorithm, Head } from '../algorithm.ts';
import { criticHead, criticOptions, ppoCredit, type RewardFunction } from '../ppo/critic.ts';
import { actionHeadLoss } from '../shared/action-head.ts';
import { flatPlan } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree, type TreeEdge, type TreeNode } from '../tree.ts';
import { type Fate, hazardLoss, sigmoid } from './hazard.ts';

const schema = z
  .strictObject({
    ...criticOptions,
    /** Scale of the step rewards. */
    stepScale: z.number().min(0).default(0.3),
    /** Survival probability of a step that is worth nothing. */
    stepBaseline: z.number().min(0).max(1).default(0.55),
    /** Tool calls of a trajectory that cost nothing. */
    freeSteps: z.int().min(0).max(100).default(3),
    /** The penalty of tool call i (from 0) past the free ones is penalty * penaltyGrowth^(i - freeSteps + 1). */
    penalty: z.number().min(0).default(0.3),
    penaltyGrowth: z.number().positive().max(10).default(1.5),
    /** Factor on the return. */
    outcomeScale: z.number().min(0).default(1.5),
    /** Return from which on a trajectory has succeeded, for the survival loss. */
    success: z.number().default(1),
    /** Weight and margin of the hinge that keeps hazards in order. */
    monotone: z.number().min(0).default(1),
    margin: z.number().min(0).max(1).default(0.05),
    /** Adam's learning rate of the hazard model. */
    hazardLearningRate: z.number().positive().default(0.001),
    /** Adam steps of the hazard model per iteration, each over all trajectories. */
    hazardSteps: z.int().min(1).max(1000).default(20),
    ...objectiveOptions({ aggregation: 'token-mean', dualClip: 3 }),
  })
  .prefault({});

export type PicaOptions = z.infer<typeof schema>;

/** The hazard's logit of an action, at its last token. */
const logitOf = ({ outputs }: TreeEdge): number => outputs!.hazard!.at(-1)!;

/**
 * The rewards by edge id: stepScale [(1 - h_i) - stepBaseline - pen_i] for the i-th tool call of a trajectory, and
 * outcomeScale times the return at its end. They stand in place of the environment's.
 */
export function picaRewards(tree: RolloutTree, options: PicaOptions): readonly number[] {
  const { stepScale, stepBaseline, freeSteps, penalty, penaltyGrowth } = options;
  const rewards = new Array<number>(tree.edges.length).fill(0);
  for (const leaf of leaves(tree)) {
    const edges = path(tree, leaf);
    for (const [i, edge] of edges.filter(({ tool }) => tool === true).entries()) {
      const late = i < freeSteps ? 0 : penalty * penaltyGrowth ** (i - freeSteps + 1);
      rewards[edge.id] = stepScale * (1 - sigmoid(logitOf(edge)) - stepBaseline - late);
    }
    rewards[edges.at(-1)!.id]! += options.outcomeScale * leaf.return;
  }
  return rewards;
}

/**
 * What the survival loss knows of a trajectory. The first error of a failed one is its first tool call that reached
 * no new milestone; it is not known if milestones are not known, or if every call reached one.
 */
export function fateOf(tree: RolloutTree, leaf: TreeNode, success: number): Fate {
  if (leaf.return >= success) return { failed: false };
  const firstError = path(tree, leaf).findIndex(({ from, to, tool }) => {
    const before = tree.nodes[from]!.milestones;
    const after = tree.nodes[to]!.milestones;
    return tool === true && before !== undefined && after !== undefined && after <= before;
  });
  return firstError < 0 ? { failed: true } : { failed: true, firstError };
}

/** The hazard model: the mean survival loss over trajectories, every action being a step. */
function hazardHead(options: PicaOptions): Head {
  return {
    name: 'hazard',
    sees: 'action',
    learningRate: options.hazardLearningRate,
    steps: options.hazardSteps,
    loss: (trees) =>
      actionHeadLoss(trees, (logits, tree, leaf) =>
        hazardLoss(logits, fateOf(tree, leaf, options.success), options),
      ),
  };
}

const rewardsOf =
  (options: PicaOptions): RewardFunction =>
  (tree) =>
    picaRewards(tree, options);

/** Pivot-Based Credit Assignment (arXiv 2605.09287): PPO with step rewards from an error-hazard model. */
export const pica: Algorithm<PicaOptions> = {
  id: 'pica',
  description: {
    title: 'Pivot-Based Credit Assignment',
    paper: 'arXiv 2605.09287',
    granularity: 'token',
    evidence: 'code',
    critic: 'value head, hazard model',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: (trees, options) => ppoCredit(trees, rewardsOf(options), options),
  heads: (options) => [criticHead(rewardsOf(options), options), hazardHead(options)],
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
