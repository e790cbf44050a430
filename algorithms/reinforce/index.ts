import { z } from 'zod';
import type { Algorithm } from '../algorithm.ts';
import { flatPlan, trajectoryCredit } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';

const schema = z
  .strictObject({
    /** Rollouts per question. They do not look at each other. */
    groupSize: z.int().min(1).max(4096).default(16),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-sum' }),
  })
  .prefault({});

export type ReinforceOptions = z.infer<typeof schema>;

/** REINFORCE (Williams 1992) without a baseline: the advantage of every action is its trajectory's return. */
export const reinforce: Algorithm<ReinforceOptions> = {
  id: 'reinforce',
  description: {
    title: 'REINFORCE without a baseline',
    paper: 'Williams 1992, doi 10.1007/BF00992696',
    granularity: 'trajectory',
    evidence: 'paper',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: (trees) => trajectoryCredit(trees, (returns) => returns),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
