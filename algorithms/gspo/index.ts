import { z } from 'zod';
import type { Algorithm } from '../algorithm.ts';
import { groupOptions, grpoAdvantages } from '../grpo/index.ts';
import { flatPlan, trajectoryCredit } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';

const schema = z
  .strictObject({
    ...groupOptions,
    ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }),
    /** The sequence ratio, a geometric mean, is clipped to [1 - clipLow, 1 + clipHigh]. */
    clipLow: z.number().positive().max(1).default(3e-4),
    clipHigh: z.number().positive().max(10).default(4e-4),
  })
  .prefault({});

export type GspoOptions = z.infer<typeof schema>;

/** Group Sequence Policy Optimization (arXiv 2507.18071): GRPO's advantages, one ratio per trajectory. */
export const gspo: Algorithm<GspoOptions> = {
  id: 'gspo',
  description: {
    title: 'Group Sequence Policy Optimization',
    paper: 'arXiv 2507.18071',
    granularity: 'trajectory',
    evidence: 'code',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: (trees, options) => trajectoryCredit(trees, (returns) => grpoAdvantages(returns, options)),
  objective: (options) => ({ ...toObjective(options), ratio: 'sequence' }),
  budget: (rollouts) => ({ groupSize: rollouts }),
};
