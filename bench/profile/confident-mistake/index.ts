import { choiceThenCorridor } from '../corridor.ts';
import type { Experiment } from '../experiment.ts';

/** One choice that starts wrong with the level's probability, then three idle turns. J = P(right). */
export const confidentMistake: Experiment = {
  id: 'confident-mistake',
  question: 'Can a method correct a choice that the policy is sure of and wrong about?',
  claim: "'confidently wrong' is the failure signature that CARL (arXiv 2512.04949) names for entropy",
  knob: { name: 'probability of the mistake at the start', levels: [0.5, 0.9, 0.97, 0.99, 0.999] },
  process: (mistake) => choiceThenCorridor({ turns: 3, right: 1 - mistake }),
};
