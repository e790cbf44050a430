import { z } from 'zod';
import { mean } from '../../core/statistics.ts';
import type { Algorithm, Head } from '../algorithm.ts';
import { criticHead, criticOptions, ppoCredit, type RewardFunction } from '../ppo/critic.ts';
import { actionHeadLoss } from '../shared/action-head.ts';
import { flatPlan } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree, type TreeEdge } from '../tree.ts';

const schema = z
  .strictObject({
    ...criticOptions,
    /**
     * What a step is paid beside the grounding: 'progress' what the estimator attributes to it (the paper);
     * 'outcome' the trajectory's return less the mean of the question's other ones, at every step (the released
     * data script).
     */
    stepReward: z.enum(['progress', 'outcome']).default('progress'),
    /** Paid for every valid action. */
    grounding: z.number().min(0).default(0.5),
    /** Adam's learning rate of the progress estimator. */
    progressLearningRate: z.number().positive().default(0.001),
    /** Adam steps of the progress estimator per iteration, each over all trajectories. */
    progressSteps: z.int().min(1).max(1000).default(20),
    ...objectiveOptions({ aggregation: 'token-mean', dualClip: 3 }),
  })
  .prefault({});

export type SpaRlOptions = z.infer<typeof schema>;

/** An action is valid that called a tool and got its result, or ended the episode by itself. */
function isValid({ nodes }: RolloutTree, { tool, to }: TreeEdge): boolean {
  return tool === true || nodes[to]!.end === 'terminated';
}

/** c_t: the estimator's output at the action's last token. */
const progressOf = ({ outputs }: TreeEdge): number => outputs!.progress!.at(-1)!;

/** The step rewards, c_t + grounding, by edge id. They stand in place of the environment's. */
export function spaRewards(
  tree: RolloutTree,
  { stepReward, grounding }: Pick<SpaRlOptions, 'stepReward' | 'grounding'>,
): readonly number[] {
  const rewards = new Array<number>(tree.edges.length).fill(0);
  const ends = leaves(tree);
  for (const leaf of ends) {
    const others = ends.filter((other) => other !== leaf).map((other) => other.return);
    // A single trajectory is compared with nothing, as in the released script.
    const outcome = leaf.return - (others.length === 0 ? 0 : mean(others));
    for (const edge of path(tree, leaf)) {
      const attributed = stepReward === 'progress' ? progressOf(edge) : outcome;
      rewards[edge.id] = attributed + (isValid(tree, edge) ? grounding : 0);
    }
  }
  return rewards;
}

/** The progress estimator: the sum of its outputs over a trajectory is regressed to the return, mean squared error. */
function progressHead({ progressLearningRate, progressSteps }: SpaRlOptions): Head {
  return {
    name: 'progress',
    sees: 'action',
    learningRate: progressLearningRate,
    steps: progressSteps,
    loss: (trees) =>
      actionHeadLoss(trees, (progress, _, leaf) => {
        const miss = progress.reduce((a, b) => a + b, 0) - leaf.return;
        return { loss: miss ** 2, gradients: progress.map(() => 2 * miss) };
      }),
  };
}

const rewardsOf =
  (options: SpaRlOptions): RewardFunction =>
  (tree) =>
    spaRewards(tree, options);

/** Stepwise Progress Attribution (arXiv 2505.20732): PPO on rewards that an estimator of progress hands out. */
export const spaRl: Algorithm<SpaRlOptions> = {
  id: 'spa-rl',
  description: {
    title: 'Stepwise Progress Attribution',
    paper: 'arXiv 2505.20732',
    granularity: 'token',
    evidence: 'code',
    critic: 'value head, progress estimator',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: (trees, options) => ppoCredit(trees, rewardsOf(options), options),
  heads: (options) => [
    criticHead(rewardsOf(options), options),
    ...(options.stepReward === 'progress' ? [progressHead(options)] : []),
  ],
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
