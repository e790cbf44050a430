import { choiceThenCorridor, withCoin } from '../corridor.ts';
import type { Experiment } from '../experiment.ts';
import { ends } from '../process.ts';

/** Episodes of an iteration, whatever the group. */
const EPISODES = 64;
/** What a fair coin adds to the reward or takes from it. */
const COIN = 2;

/** A choice that starts right with 0.25, three idle turns, a noisy reward; 64 episodes an iteration in groups of the level. */
export const budget: Experiment = {
  id: 'budget',
  question: 'How many rollouts of one question does a method need, at equal episodes per iteration?',
  claim: 'groups of 2 suffice for RLOO (arXiv 2402.14740); forking needs rollouts to fork (CARL: 8 + 16)',
  knob: { name: 'rollouts per question', levels: [64, 32, 16, 8, 4, 2] },
  process: () => choiceThenCorridor({ turns: 3, right: 0.25, exit: (right) => withCoin(ends(right), COIN) }),
  batch: (rollouts) => ({ rollouts, questions: EPISODES / rollouts }),
};
