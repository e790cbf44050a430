import { shuffled } from '../../core/random.ts';
import type { Algorithm, Credit } from '../algorithm.ts';
import { type GrpoOptions, grpo } from '../grpo/index.ts';

/**
 * The same credit with the advantages of its sequences in another order.
 * @param credit every action of a sequence has the sequence's advantage.
 * @param order puts the advantages, one per sequence in order of appearance, into another order.
 */
export function permuteSequences(
  { actions }: Credit,
  order: (advantages: readonly number[]) => readonly number[],
): Credit {
  const own = new Map(actions.map(({ sequence, advantage }) => [sequence, advantage as number]));
  const dealt = order([...own.values()]);
  const received = new Map([...own.keys()].map((sequence, place) => [sequence, dealt[place]!]));
  return {
    actions: actions.map((action) => ({ ...action, advantage: received.get(action.sequence)! })),
  };
}

/**
 * Negative control: GRPO, its advantages dealt out anew to the trajectories of the whole batch. They keep their
 * distribution and lose what they had to do with what the agent did.
 */
export const shuffledCredit: Algorithm<GrpoOptions> = {
  ...grpo,
  id: 'shuffled-credit',
  description: {
    title: "Negative control: GRPO's advantages, shuffled over the batch",
    paper: 'none',
    granularity: 'trajectory',
    evidence: 'reconstruction',
  },
  credit: (trees, options, random) =>
    permuteSequences(grpo.credit(trees, options, random), (advantages) => shuffled(advantages, random)),
};
