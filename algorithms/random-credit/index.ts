import { z } from 'zod';
import type { Algorithm } from '../algorithm.ts';
import { flatPlan, trajectoryCredit } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';

const schema = z
  .strictObject({
    /** Rollouts per question. */
    groupSize: z.int().min(1).max(4096).default(16),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }),
  })
  .prefault({});

export type RandomCreditOptions = z.infer<typeof schema>;

/** Negative control: every trajectory has advantage 1 or -1, evenly drawn; no return is looked at. */
export const randomCredit: Algorithm<RandomCreditOptions> = {
  id: 'random-credit',
  description: {
    title: 'Negative control: advantages drawn from {-1, 1}',
    paper: 'none',
    granularity: 'trajectory',
    evidence: 'reconstruction',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: (trees, _, random) =>
    trajectoryCredit(trees, (returns) => returns.map(() => 2 * random.integer(2) - 1)),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
