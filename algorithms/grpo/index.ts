import { z } from 'zod';
import type { Algorithm } from '../algorithm.ts';
import { flatPlan, trajectoryCredit } from '../shared/flat.ts';
import { zScores } from '../shared/group.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';

/** Options of the group and of its normalisation; GSPO has the same. */
export const groupOptions = {
  /** Rollouts per question, G. */
  groupSize: z.int().min(1).max(4096).default(16),
  /** Added to the standard deviation. */
  epsilon: z.number().min(0).default(1e-6),
  /** 'sample' divides by G - 1 (verl), 'population' by G. */
  std: z.enum(['sample', 'population']).default('sample'),
  /** Advantage of a group of one: its return ('raw', as verl's mean 0 and std 1 give) or 0 ('zero'). */
  singleton: z.enum(['raw', 'zero']).default('raw'),
};

const schema = z
  .strictObject({ ...groupOptions, ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }) })
  .prefault({});

export type GrpoOptions = z.infer<typeof schema>;

/** A_i = (R_i - mean R) / (std R + epsilon): arXiv 2402.03300, outcome supervision. */
export function grpoAdvantages(
  returns: readonly number[],
  options: Pick<GrpoOptions, 'epsilon' | 'std' | 'singleton'>,
): readonly number[] {
  if (returns.length === 1) return options.singleton === 'raw' ? returns : [0];
  return zScores(returns, options.std, options.epsilon);
}

/** Group Relative Policy Optimization (DeepSeekMath, arXiv 2402.03300). */
export const grpo: Algorithm<GrpoOptions> = {
  id: 'grpo',
  description: {
    title: 'Group Relative Policy Optimization',
    paper: 'arXiv 2402.03300',
    granularity: 'trajectory',
    evidence: 'code',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: (trees, options) => trajectoryCredit(trees, (returns) => grpoAdvantages(returns, options)),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
