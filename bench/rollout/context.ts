import type { RolloutTree } from '../../algorithms/tree.ts';
import { InputError } from '../../core/errors.ts';
import type { AnyEnvironment } from '../../envs/environment.ts';
import type { Policy, Prompt, TokenCodec } from '../../policies/policy.ts';

/** A turn that has been taken: what was read, what was written. */
export interface Turn {
  readonly prompt: Prompt;
  readonly action: string;
  readonly tokens: readonly number[];
}

/**
 * What the policy reads at a state. Listed actions: the newest observation where it is Markov, the whole
 * transcript otherwise. Free text: token in, token out. The context is the one before, the action's ids as
 * they were sampled, and the observation's ids; an observation is encoded once, when it comes, and nothing is
 * ever encoded again.
 * @param before the turn that led here; undefined at the start.
 */
export function readPrompt(
  environment: AnyEnvironment,
  policy: Policy,
  state: unknown,
  before: Turn | undefined,
): Prompt {
  const { text, closing = '' } = environment.observe(state);
  if (environment.text !== undefined) {
    const codec = codecOf(environment, policy);
    if (before === undefined && codec.opening !== undefined) {
      // A chat template ends behind the message: the closing is part of it.
      return { text: text + closing, tokens: Int32Array.from(codec.opening(text + closing)) };
    }
    const whole = codec.encode(text);
    const limit = before === undefined ? whole.length : environment.text.maxObservationTokens;
    const cut = whole.length > limit;
    const read = [...whole.slice(0, limit), ...codec.encode(closing)];
    const past = before === undefined ? [] : before.prompt.tokens!;
    const written = before?.tokens ?? [];
    const tokens = new Int32Array(past.length + written.length + read.length);
    tokens.set(past);
    tokens.set(written, past.length);
    tokens.set(read, past.length + written.length);
    // What is shown to people is what was read.
    return cut ? { text: codec.decode(read), tokens, cut } : { text: text + closing, tokens };
  }
  const whole =
    environment.markov || before === undefined ? text : `${before.prompt.text}\n${before.action}\n${text}`;
  const actions = environment.actions?.(state);
  return actions === undefined ? { text: whole } : { text: whole, actions };
}

/**
 * The codec of a policy that writes free text.
 * @throws InputError when the policy chooses from lists.
 */
function codecOf(environment: AnyEnvironment, policy: Policy): TokenCodec {
  if (policy.codec === undefined) {
    throw new InputError(
      `policy ${policy.id} chooses from lists of actions, and in ${environment.id} actions are free text; valid: a policy that writes text, such as text-transformer`,
    );
  }
  return policy.codec;
}

/**
 * Checks that an environment and a policy speak of the same kind of actions.
 * @throws InputError when one lists actions and the other writes text.
 */
export function checkKinds(environment: AnyEnvironment, policy: Policy): void {
  if (environment.text !== undefined) codecOf(environment, policy);
  else if (policy.codec !== undefined) {
    throw new InputError(
      `policy ${policy.id} writes free text, and ${environment.id} lists its actions; valid: a policy that chooses from lists, such as transformer`,
    );
  }
}

/**
 * Checks the prefix of every step of a tree: a context begins with the context before and goes on with the
 * action's ids as sampled; an action that shares tokens with another begins with those.
 * @throws Error naming the node where the prefix is broken: what would be trained is not what was sampled.
 */
export function checkPrefixes(tree: RolloutTree): void {
  for (const edge of tree.edges) {
    const broken = (what: string): never => {
      throw new Error(`question '${tree.task.id}', edge ${edge.id}: ${what} is not what was sampled`);
    };
    const { shared } = edge;
    if (shared !== undefined) {
      const origin = tree.edges[shared.edge]!;
      const sameNode = origin.from === edge.from;
      if (!sameNode || !edge.tokens.slice(0, shared.tokens).every((id, t) => id === origin.tokens[t])) {
        broken('the shared beginning of the action');
      }
    }
    const before = tree.nodes[edge.from]!.prompt.tokens;
    const after = tree.nodes[edge.to]!.prompt.tokens;
    if (before === undefined || after === undefined) continue; // listed actions, or an ended episode
    if (after.length < before.length + edge.tokens.length) broken('the context after it');
    for (let t = 0; t < before.length; t++) if (after[t] !== before[t]) broken('the context before it');
    for (let t = 0; t < edge.tokens.length; t++) {
      if (after[before.length + t] !== edge.tokens[t]) broken('the action in the context after it');
    }
  }
}
