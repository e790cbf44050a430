import { isServed } from '../../../policies/policy.ts';
import type { Learner, Place, Places } from './learner.ts';
import { localLearner } from './local.ts';
import { servedLearner } from './served.ts';

/** The learner of a policy. */
export function learnerOf<At extends Place>(policy: Places[At]['policy']): Learner<At> {
  const learner = isServed(policy) ? servedLearner(policy) : localLearner(policy);
  return learner as Learner<Place> as Learner<At>;
}
