import { choiceThenCorridor } from '../corridor.ts';
import type { Experiment } from '../experiment.ts';

/** A choice of low entropy that decides (right: 0.1), then eight turns of growing entropy. J = P(right). */
export const irrelevantUncertainty: Experiment = {
  id: 'irrelevant-uncertainty',
  question: 'Does a method that looks where the policy is uncertain miss what matters where it is not?',
  claim: 'high entropy marks critical steps (CARL, arXiv 2512.04949; ARPO, arXiv 2507.19849)',
  knob: { name: 'probability of the unlikely action of an idle turn', levels: [0, 0.01, 0.05, 0.2, 0.5] },
  process: (unlikely) => choiceThenCorridor({ turns: 8, right: 0.1, unlikely }),
};
