import { z } from 'zod';
import type { Algorithm, Credit } from '../algorithm.ts';
import { flatPlan, trajectoryRows } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { toGo } from '../shared/to-go.ts';
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
  const rewards = edges.flatMap(({ tokens, reward }) =>
    tokens.map((_, t) => (t === tokens.length - 1 ? reward : 0)),
  );
  const returns = [...toGo(rewards, gamma)];
  return edges.map(({ tokens }) => returns.splice(0, tokens.length));
}

/** The returns of all tokens, whitened over the batch: verl's `reinforce_plus_plus`. */
export function reinforcePpCredit(
  trees: readonly RolloutTree[],
  { gamma, epsilon }: Pick<ReinforcePpOptions, 'gamma' | 'epsilon'>,
): Credit {
  const actions = trees.flatMap((tree, index) => {
    const returns = leaves(tree).map((leaf) => tokenReturns(path(tree, leaf), gamma));
    return trajectoryRows(tree, index, (i, _, t) => ({ advantage: returns[i]![t]! }));
  });
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
