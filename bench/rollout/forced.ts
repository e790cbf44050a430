import { InputError } from '../../core/errors.ts';
import { createRandom, type Random } from '../../core/random.ts';
import type { AnyEnvironment, LoadedEnvironment } from '../../envs/environment.ts';
import type { Policy, Prompt, SampledAction, SampledTokens, Sampling } from '../../policies/policy.ts';
import { entropy } from '../../policies/softmax.ts';
import { takeStep } from './step.ts';

/** Where an action is wanted, and its stream. */
export interface Asked {
  readonly prompt: Prompt;
  readonly state: unknown;
  readonly random: Random;
}

/**
 * An expert: the text of the next action.
 * @experimental
 */
export type Expert = (state: unknown, random: Random) => string;

/** The expert of an environment: its own, or else its demonstrations without mistakes. */
export function expertOf({ expert, demonstrate }: LoadedEnvironment): { readonly expert?: Expert } {
  if (expert !== undefined) return { expert };
  return demonstrate === undefined ? {} : { expert: (state, random) => demonstrate(state, 0, random) };
}

/** Whose action is wanted, and in which environment. */
interface Asking {
  readonly environment: AnyEnvironment;
  readonly policy: Policy;
  readonly sampling: Sampling;
  readonly expert?: Expert;
}

type Forced = SampledAction & { readonly forced: number };

/**
 * The expert's actions. All their tokens are forced; log-probabilities are the policy's, entropies 0.
 * @throws InputError when the environment has none.
 */
export async function expertActions(
  { environment, policy, sampling, expert }: Asking,
  asked: readonly Asked[],
): Promise<readonly Forced[]> {
  if (expert === undefined) {
    throw new InputError(
      `${environment.id} has no expert to ask, and the algorithm asks for one; valid: multihop, or search over the facts world`,
    );
  }
  const actions = asked.map(({ prompt, state, random }) => {
    const text = expert(state, random);
    const tokens =
      environment.text === undefined
        ? [prompt.actions!.indexOf(text)]
        : policy.codec!.encode(text).slice(0, environment.text.maxActionTokens);
    // The environment steps with what the tokens say, even if they were cut.
    return { text: environment.text === undefined ? text : policy.codec!.decode(tokens), tokens };
  });
  const logProbs = await policy.logProbs(
    asked.map(({ prompt }, index) => ({ prompt, tokens: actions[index]!.tokens })),
    sampling,
  );
  return actions.map(({ text, tokens }, index) => ({
    text,
    tokens,
    logProbs: [...logProbs[index]!],
    entropies: tokens.map(() => 0),
    forced: tokens.length,
  }));
}

/**
 * The legal actions that end the episode here, with an answer where the environment has answers. Stepping draws from a
 * stream of its own.
 */
export function closingActions(
  environment: AnyEnvironment,
  { prompt, state }: Omit<Asked, 'random'>,
): readonly number[] {
  return prompt.actions!.flatMap((action, index) => {
    const next = takeStep(environment, state, action, createRandom(0).split('look ahead'));
    const hasAnswered = environment.answer === undefined || environment.answer(next.state) !== undefined;
    return next.terminated && hasAnswered ? [index] : [];
  });
}

/**
 * Listed actions: the policy's choice among those that end the episode with an answer, or among all if none does. The
 * log-probability is that of the whole distribution: the policy's, not that of the choice.
 */
export async function answerAtOnce(
  { environment, policy, sampling }: Asking,
  asked: readonly Asked[],
): Promise<readonly Forced[]> {
  const distributions = await policy.distributions(
    asked.map(({ prompt }) => prompt),
    sampling,
  );
  return asked.map((one, index) => {
    const logProbs = distributions[index]!;
    const closing = closingActions(environment, one);
    const open = closing.length === 0 ? [...logProbs.keys()] : closing;
    const weights = open.map((action) => Math.exp(logProbs[action]!));
    const sum = weights.reduce((a, b) => a + b, 0);
    const token = open[one.random.categorical(weights.map((weight) => weight / sum))]!;
    return {
      text: one.prompt.actions![token]!,
      tokens: [token],
      logProbs: [logProbs[token]!],
      entropies: [entropy(logProbs)],
      forced: 0,
    };
  });
}

/**
 * Free text: how an action begins that answers at once, with the policy's log-probabilities and entropies 0.
 * @throws InputError when the environment does not say.
 */
export async function forcedBeginning(
  { environment, policy, sampling }: Asking,
  prompts: readonly Prompt[],
): Promise<readonly SampledTokens[]> {
  if (prompts.length === 0) return [];
  const tokens = policy.codec!.encode(answeringOf(environment));
  const logProbs = await policy.logProbs(
    prompts.map((prompt) => ({ prompt, tokens })),
    sampling,
  );
  return logProbs.map((values) => ({ tokens, logProbs: [...values], entropies: tokens.map(() => 0) }));
}

/** @throws InputError when the protocol does not say how an answer begins. */
export function answeringOf({ id, text }: AnyEnvironment): string {
  if (text?.answering === undefined) {
    throw new InputError(
      `${id} does not say how an answer begins (TextProtocol.answering), and the algorithm needs to know; valid: an environment that does, such as search`,
    );
  }
  return text.answering;
}
