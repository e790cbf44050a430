import { z } from 'zod';
import type { Algorithm, Credit } from '../algorithm.ts';
import { groupOptions, grpoAdvantages } from '../grpo/index.ts';
import { criticHead, criticOptions, ownRewards, ppoCredit } from '../ppo/critic.ts';
import { flatPlan, trajectoryCredit } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import type { RolloutTree } from '../tree.ts';
import { energyWeights } from './energy.ts';

const schema = z
  .strictObject({
    ...criticOptions,
    ...groupOptions,
    /** Whose advantages are re-weighted: GRPO's, or those of PPO with its critic. */
    host: z.enum(['grpo', 'ppo']).default('grpo'),
    /** Weight of a reasoning token. */
    reasoning: z.number().min(0).max(1).default(0.1),
    /** How far a token's energy moves the weight of an action token. */
    alpha: z.number().min(0).lt(1).default(0.5),
    ...objectiveOptions({ aggregation: 'token-mean' }),
  })
  .prefault({});

export type ActFocusOptions = z.infer<typeof schema>;

/** The host's advantages as they are, and a weight for every token. */
function credit(trees: readonly RolloutTree[], options: ActFocusOptions): Credit {
  const hosted =
    options.host === 'ppo'
      ? ppoCredit(trees, ownRewards, options)
      : trajectoryCredit(trees, (returns) => grpoAdvantages(returns, options));
  const weights = energyWeights(trees, options);
  return {
    actions: hosted.actions.map((action) => ({ ...action, weights: weights[action.tree]![action.edge]! })),
  };
}

/** ActFocus (arXiv 2605.14558): action tokens count more than reasoning tokens, uncertain ones most. */
export const actFocus: Algorithm<ActFocusOptions> = {
  id: 'actfocus',
  description: {
    title: 'ActFocus',
    paper: 'arXiv 2605.14558',
    granularity: 'token',
    evidence: 'reconstruction',
    critic: 'value head with the PPO host',
  },
  schema,
  needs: () => ['pieces', 'reference'],
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit,
  heads: (options) => (options.host === 'ppo' ? [criticHead(ownRewards, options)] : []),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
