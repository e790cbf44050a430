import { setImmediate } from 'node:timers/promises';
import type { Random } from '../../core/random.ts';
import type { AnyEnvironment } from '../../envs/environment.ts';
import type { ActRequest, Policy, Prompt, Sampling } from '../../policies/policy.ts';
import { readPrompt } from './context.ts';
import { MOST_ACTIONS, neverEnds, takeStep } from './step.ts';

/** Where an episode goes on from. */
export interface Beginning {
  /** Id of its question, for messages. */
  readonly question: string;
  readonly state: unknown;
  /** What the policy reads there. */
  readonly prompt: Prompt;
  /** The action to take there, as it was sampled. Default: the policy draws one. */
  readonly action?: { readonly text: string; readonly tokens: readonly number[] };
  /** The policy and the environment draw from it. */
  readonly random: Random;
}

/** What came of an episode that went on. */
export interface Continuation {
  /** Sum of the rewards from the beginning on. */
  readonly return: number;
  /** Tokens that were drawn. */
  readonly tokens: number;
}

/**
 * Plays episodes on from any state to their ends, in lock-step, and keeps what they return and nothing else.
 * @param later who acts from the second action on. Default: the policy itself.
 * @throws InputError when an episode does not end or a step is not what it should be; the signal's reason when it is aborted.
 */
export async function continueEpisodes({
  environment,
  policy,
  later = policy,
  beginnings,
  sampling,
  signal,
}: {
  readonly environment: AnyEnvironment;
  readonly policy: Policy;
  readonly later?: Policy;
  readonly beginnings: readonly Beginning[];
  readonly sampling: Sampling;
  readonly signal?: AbortSignal;
}): Promise<readonly Continuation[]> {
  const results = beginnings.map(() => ({ return: 0, tokens: 0 }));
  let active = beginnings.map((beginning, index) => ({ ...beginning, index }));
  let taken = 0;
  for (let actor = policy; active.length > 0; actor = later) {
    if (taken++ === MOST_ACTIONS) throw neverEnds(environment, active[0]!.question);
    await setImmediate(); // lets signals in
    signal?.throwIfAborted();
    const drawing = active.filter(({ action }) => action === undefined);
    const drawn = await actor.act(
      drawing.map((one) => actRequest(environment, one)),
      sampling,
    );
    for (const [place, { index }] of drawing.entries()) results[index]!.tokens += drawn[place]!.tokens.length;
    let place = 0;
    const actions = active.map(({ action }) => action ?? drawn[place++]!);
    await environment.prepare?.(
      active.map(({ state }, position) => ({ state, action: actions[position]!.text })),
      signal,
    );
    active = active.flatMap(({ question, state, prompt, random, index }, position) => {
      const { text, tokens } = actions[position]!;
      const next = takeStep(environment, state, text, random);
      results[index]!.return += next.reward;
      if (next.terminated || next.truncated) return [];
      const read = readPrompt(environment, policy, next.state, { prompt, action: text, tokens });
      return [{ question, state: next.state, prompt: read, random, index }];
    });
  }
  return results;
}

function actRequest({ text }: AnyEnvironment, { prompt, random }: Beginning): ActRequest {
  if (text === undefined) return { prompt, random };
  return { prompt, random, generation: { stops: text.stops, maxTokens: text.maxActionTokens } };
}
