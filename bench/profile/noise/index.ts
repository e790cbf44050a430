import { choiceThenCorridor, withCoin } from '../corridor.ts';
import type { Experiment } from '../experiment.ts';
import { ends } from '../process.ts';

/** One choice, three idle turns, and a fair coin that adds or takes the level whatever was done. J = P(right). */
export const noise: Experiment = {
  id: 'noise',
  question: 'How much noise in the reward, of no action, does a method bear?',
  claim:
    'normalising by a group (GRPO, arXiv 2402.03300) or a critic (PPO) is to take out what no action causes',
  knob: { name: 'size of the coin toss beside a reward of 1', levels: [0, 1, 2, 4, 8] },
  process: (size) =>
    choiceThenCorridor({
      turns: 3,
      right: 0.5,
      exit: (right) => withCoin(ends(right), size),
    }),
};
