import { choiceThenCorridor } from '../corridor.ts';
import type { Experiment } from '../experiment.ts';

/** What an idle turn pays or takes by the toss of a fair coin. */
const COIN = 0.5;

/** One choice that decides, then turns that do not matter and pay by coin tosses. J = P(right). */
export const horizon: Experiment = {
  id: 'horizon',
  question: 'How far back does credit reach when only the first of many turns matters?',
  claim: 'CARL (arXiv 2512.04949) leaves tasks beyond 32 steps open; trajectory credit drowns in idle turns',
  knob: { name: 'idle turns after the choice', levels: [1, 8, 32, 128] },
  // The longest has 129 actions an episode.
  episodes: 800,
  process: (turns) => choiceThenCorridor({ turns, right: 0.5, coin: COIN }),
};
