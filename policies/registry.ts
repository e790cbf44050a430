import { z } from 'zod';
import { InputError } from '../core/errors.ts';
import { remoteSpec } from './remote/spec.ts';
import type { AnyPolicySpec, PolicySpec } from './spec.ts';
import { createTabularPolicy } from './tabular/index.ts';
import { textTransformerSpec } from './text-transformer/spec.ts';
import { tinkerSpec } from './tinker/spec.ts';
import { transformerSpec } from './transformer/spec.ts';

const tabularSpec: PolicySpec<object, null> = {
  id: 'tabular',
  title: 'one logit per prompt and action, float64',
  schema: z.strictObject({}).prefault({}),
  actions: 'listed',
  // Its parameters are laid out in the order in which prompts are met.
  restorable: false,
  assets: () => null,
  create: async () => createTabularPolicy(),
};

/** Every policy that comes with creditbench, in alphabetical order. */
export const POLICIES = [
  remoteSpec,
  tabularSpec,
  textTransformerSpec,
  tinkerSpec,
  transformerSpec,
] as const satisfies readonly AnyPolicySpec[];

/** The registered policy of that id. Throws an InputError that lists the ids. */
export function findPolicy(id: string): AnyPolicySpec {
  const found = POLICIES.find((policy) => policy.id === id);
  if (found === undefined) {
    throw new InputError(`unknown policy '${id}'; valid: ${POLICIES.map((policy) => policy.id).join(', ')}`);
  }
  return found;
}
