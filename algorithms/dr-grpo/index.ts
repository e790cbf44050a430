import { z } from 'zod';
import type { Algorithm } from '../algorithm.ts';
import { flatPlan, trajectoryCredit } from '../shared/flat.ts';
import { centred } from '../shared/group.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';

const schema = z
  .strictObject({
    /** Rollouts per question, G. */
    groupSize: z.int().min(1).max(4096).default(16),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-sum-norm' }),
  })
  .prefault({});

export type DrGrpoOptions = z.infer<typeof schema>;

/** A_i = R_i - mean R, own return included, no std: arXiv 2503.20783. A group of one has advantage 0. */
export const drGrpoAdvantages = (returns: readonly number[]): readonly number[] => centred(returns);

/** GRPO Done Right (Understanding R1-Zero-Like Training, arXiv 2503.20783). */
export const drGrpo: Algorithm<DrGrpoOptions> = {
  id: 'dr-grpo',
  description: {
    title: 'GRPO Done Right',
    paper: 'arXiv 2503.20783',
    granularity: 'trajectory',
    evidence: 'code',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: (trees) => trajectoryCredit(trees, drGrpoAdvantages),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
