import { z } from 'zod';
import type { Algorithm, Credit, CreditedAction } from '../algorithm.ts';
import { flatPlan } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { whiten } from '../shared/whitening.ts';
import { leaves, path, type RolloutTree, type TreeEdge } from '../tree.ts';

const schema = z
  .strictObject({
    /** Rollouts per question. They do not look at each other: the only statistics are the batch's. */
    groupSize: z.int().min(1).max(4096).default(16),
    /** Discount per token. */
    gamma: z.number().min(0).max(1).default(1),
    /** Added to the variance of the whitening. */
    epsilon: z.number().min(0).default(1e-8),
    ...objectiveOptions({ aggregation: 'token-mean' }),
  })
  .prefault({});

export type ReinforcePpOptions = z.infer<typeof schema>;

/**
 * G_t = r_t + gamma G_{t+1} over the generated tokens of one trajectory; an action's reward is paid at its last
 * token. Nothing stands between the last token of an action and the first of the next, so what is earned late
 * reaches the first action.
 * @param edges the actions of a trajectory, first to last.
 * @returns the return of every token, per action.
 */
export function tokenReturns(edges: readonly TreeEdge[], gamma: number): readonly (readonly number[])[] {
  let next = 0;
  const reversed = edges.toReversed().map(({ tokens, reward }) => {
    const returns = new Array<number>(tokens.length);
    for (let t = tokens.length - 1; t >= 0; t--) {
      next = (t === tokens.length - 1 ? reward : 0) + gamma * next;
      returns[t] = next;
    }
    return returns;
  });
  return reversed.reverse();
}

/** The returns of all tokens, whitened over the batch: verl's `reinforce_plus_plus`. */
export function reinforcePpCredit(
  trees: readonly RolloutTree[],
  { gamma, epsilon }: Pick<ReinforcePpOptions, 'gamma' | 'epsilon'>,
): Credit {
  const actions: CreditedAction[] = [];
  for (const [tree, rollouts] of trees.entries()) {
    for (const leaf of leaves(rollouts)) {
      const edges = path(rollouts, leaf);
      const returns = tokenReturns(edges, gamma);
      for (const [i, { id }] of edges.entries()) {
        actions.push({ tree, edge: id, advantage: returns[i]!, sequence: `${tree}/${leaf.id}` });
      }
    }
  }
  return whiten(trees, { actions }, epsilon);
}

/** REINFORCE++ (arXiv 2501.03262): no group, token returns, whitening over the batch. */
export const reinforcePp: Algorithm<ReinforcePpOptions> = {
  id: 'reinforce-pp',
  description: {
    title: 'REINFORCE++',
    paper: 'arXiv 2501.03262',
    granularity: 'token',
    evidence: 'code',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: reinforcePpCredit,
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
