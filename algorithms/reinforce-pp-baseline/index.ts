import { z } from 'zod';
import type { Algorithm, Credit } from '../algorithm.ts';
import { flatPlan, trajectoryCredit } from '../shared/flat.ts';
import { centred } from '../shared/group.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { whiten } from '../shared/whitening.ts';
import type { RolloutTree } from '../tree.ts';

const schema = z
  .strictObject({
    /** Rollouts per question, the group that the mean is taken of. */
    groupSize: z.int().min(1).max(4096).default(16),
    /** Added to the variance of the whitening. */
    epsilon: z.number().min(0).default(1e-8),
    ...objectiveOptions({ aggregation: 'token-mean' }),
  })
  .prefault({});

export type ReinforcePpBaselineOptions = z.infer<typeof schema>;

/** R_i - mean R of the question's group, own return included. A group of one keeps its return. */
const distances = (returns: readonly number[]): readonly number[] =>
  returns.length === 1 ? returns : centred(returns);

/** Distances from the group's mean, for all tokens of a trajectory, whitened over the tokens of the batch. */
export function reinforcePpBaselineCredit(
  trees: readonly RolloutTree[],
  { epsilon }: Pick<ReinforcePpBaselineOptions, 'epsilon'>,
): Credit {
  return whiten(trees, trajectoryCredit(trees, distances), epsilon);
}

/** REINFORCE++-baseline (arXiv 2501.03262): group mean, then whitening over the batch instead of a group std. */
export const reinforcePpBaseline: Algorithm<ReinforcePpBaselineOptions> = {
  id: 'reinforce-pp-baseline',
  description: {
    title: 'REINFORCE++ with a group baseline',
    paper: 'arXiv 2501.03262',
    granularity: 'trajectory',
    evidence: 'code',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: reinforcePpBaselineCredit,
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
