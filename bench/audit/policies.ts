import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_LOGITS } from '../../envs/diagnostic/stop-or-search.ts';
import type { TrainablePolicy } from '../../policies/policy.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';

/** What the audit's tabular policy starts from, as `--policy` takes it. */
export const AUDIT_POLICIES = ['default', 'uniform', 'random:SEED'] as const;

/**
 * A tabular policy for the audit of one environment.
 * - `default`: the documented logits of `stop-or-search/v1`; `random:0` elsewhere.
 * - `uniform`: every legal action equally likely.
 * - `random:SEED`: logits drawn evenly from [-1, 1].
 * @throws InputError for any other name.
 */
export function auditPolicy(name: string, environmentId: string): TrainablePolicy {
  if (name === 'uniform') return createTabularPolicy();
  if (name === 'default' && environmentId === 'stop-or-search/v1') {
    return createTabularPolicy(STOP_OR_SEARCH_LOGITS);
  }
  const seed = /^random:(\d{1,15})$/.exec(name === 'default' ? 'random:0' : name)?.[1];
  if (seed === undefined) {
    throw new InputError(`--policy: '${name}' is not valid; valid: ${AUDIT_POLICIES.join(', ')}`);
  }
  const random = createRandom(Number(seed)).split('audit policy');
  return createTabularPolicy({
    initial: ({ text }, action) => 2 * random.split(text, action).uniform() - 1,
  });
}
