import type { ServedPolicy } from '../../../policies/policy.ts';
import type { Learner } from './learner.ts';

/** Steps and weights are the server's: what is kept here is where it keeps them. */
export function servedLearner(policy: ServedPolicy): Learner<'server'> {
  let current = policy.start;
  return {
    hold: async ({ saved }) => {
      await policy.load(saved);
      current = saved;
    },
    optimizer: (weights) => {
      let { steps } = weights;
      return {
        get steps() {
          return steps;
        },
        step: async (...step) => {
          const norm = await policy.step(...step);
          steps++;
          return norm;
        },
      };
    },
    reference: () => current,
    weights: async ({ steps }) => {
      current = await policy.save();
      return { saved: current, steps };
    },
  };
}
