import { z } from 'zod';
import { areEqual } from '../../core/statistics.ts';
import type { Algorithm } from '../algorithm.ts';
import { flatPlan, trajectoryCredit } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';

const schema = z
  .strictObject({
    /** Rollouts per question, n. */
    groupSize: z.int().min(1).max(4096).default(16),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-sum' }),
  })
  .prefault({});

export type RlooOptions = z.infer<typeof schema>;

/** A_i = R_i - mean of the other returns: arXiv 2402.14740. A group of one keeps its return; equal returns give 0. */
export function rlooAdvantages(returns: readonly number[]): readonly number[] {
  if (returns.length === 1) return returns;
  if (areEqual(returns)) return returns.map(() => 0);
  const sum = returns.reduce((total, value) => total + value, 0);
  return returns.map((value) => value - (sum - value) / (returns.length - 1));
}

/** REINFORCE Leave-One-Out (arXiv 2402.14740). */
export const rloo: Algorithm<RlooOptions> = {
  id: 'rloo',
  description: {
    title: 'REINFORCE Leave-One-Out',
    paper: 'arXiv 2402.14740',
    granularity: 'trajectory',
    evidence: 'code',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: (trees) => trajectoryCredit(trees, rlooAdvantages),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
