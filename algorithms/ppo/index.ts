import { z } from 'zod';
import type { Algorithm } from '../algorithm.ts';
import { flatPlan } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { criticHead, criticOptions, ownRewards, ppoCredit } from './critic.ts';

const schema = z
  .strictObject({
    ...criticOptions,
    ...objectiveOptions({ aggregation: 'token-mean', dualClip: 3 }),
  })
  .prefault({});

export type PpoOptions = z.infer<typeof schema>;

/** Proximal Policy Optimization with a critic (arXiv 1707.06347), as verl and Search-R1 run it. */
export const ppo: Algorithm<PpoOptions> = {
  id: 'ppo',
  description: {
    title: 'Proximal Policy Optimization',
    paper: 'arXiv 1707.06347',
    granularity: 'token',
    evidence: 'code',
    critic: 'value head',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: (trees, options) => ppoCredit(trees, ownRewards, options),
  heads: (options) => [criticHead(ownRewards, options)],
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
