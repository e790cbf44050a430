import { InputError } from '../../core/errors.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import type { ActionRecord, Policy, Prompt, Sampling, TrainablePolicy } from '../../policies/policy.ts';
import { takeStep } from '../rollout/step.ts';
import { enumerate } from './enumerate.ts';

/**
 * A Markov state with its exact quantities under the policy.
 * @experimental
 */
export interface ExactState {
  readonly key: string;
  readonly prompt: Prompt;
  readonly state: unknown;
  /** Expected number of visits in an episode. */
  readonly visits: number;
  /** Probabilities of the legal actions. */
  readonly probabilities: Float64Array;
  /** Expected return from here, rewards of this action on. */
  readonly value: number;
  /** Expected return after each legal action, its own reward included. */
  readonly actionValues: Float64Array;
}

/**
 * The exact solution of one task under one policy.
 * @experimental
 */
export interface Oracle {
  /** Expected return of an episode. */
  readonly value: number;
  /** All states that an episode can reach with positive probability, by key. */
  readonly states: ReadonlyMap<string, ExactState>;
}

interface Outcome {
  readonly probability: number;
  readonly reward: number;
  /** Key of the next state, or undefined if the episode ends. */
  readonly next: string | undefined;
}

interface Draft {
  readonly key: string;
  readonly prompt: Prompt;
  readonly state: unknown;
  probabilities: Float64Array;
  /** Per action, the possible outcomes. */
  outcomes: readonly (readonly Outcome[])[];
}

/**
 * Exact values, action values and visit counts by dynamic programming over Markov states. Works with any
 * policy: states are discovered in layers and the policy is asked in one batch per layer.
 * @throws InputError when the environment is not Markov, has no `actions` or `key`, when its states repeat in a cycle, or when there
 * are more states than `limit`.
 * @experimental
 */
export async function solve(request: {
  readonly environment: AnyEnvironment;
  readonly task: Task;
  readonly policy: Policy;
  readonly sampling: Sampling;
  /** Most states to visit. Default: 200,000. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}): Promise<Oracle> {
  const { environment, task, limit = 200_000 } = request;
  if (environment.actions === undefined || environment.key === undefined) {
    throw new InputError(
      `${environment.id}: exact values need actions() and key(), and it has no ${environment.actions === undefined ? 'actions' : 'key'}`,
    );
  }
  if (!environment.markov) {
    // The policy would read transcripts, which these states do not hold.
    throw new InputError(`${environment.id}: exact values need an environment whose observations are Markov`);
  }
  const root = environment.reset(task);
  const drafts = new Map<string, Draft>();
  const rootKey = environment.key(root);
  for (
    let layer: readonly { key: string; state: unknown }[] = [{ key: rootKey, state: root }];
    layer.length > 0;
  ) {
    request.signal?.throwIfAborted();
    layer = await expandLayer(request, layer, drafts);
    if (drafts.size > limit)
      throw new InputError(
        `${environment.id}: more than ${limit} states; valid: at most that many for exact values`,
      );
  }

  const order = topological(drafts, rootKey, environment.id);
  const values = new Map<string, number>();
  const actionValues = new Map<string, Float64Array>();
  for (const draft of order.toReversed()) {
    const q = Float64Array.from(draft.outcomes, (outcomes) =>
      outcomes.reduce(
        (sum, { probability, reward, next }) =>
          sum + probability * (reward + (next === undefined ? 0 : values.get(next)!)),
        0,
      ),
    );
    actionValues.set(draft.key, q);
    values.set(
      draft.key,
      q.reduce((sum, value, action) => sum + draft.probabilities[action]! * value, 0),
    );
  }
  const visits = new Map<string, number>([[rootKey, 1]]);
  for (const draft of order) {
    for (const [action, outcomes] of draft.outcomes.entries()) {
      for (const { probability, next } of outcomes) {
        if (next === undefined) continue;
        const flow = visits.get(draft.key)! * draft.probabilities[action]! * probability;
        visits.set(next, (visits.get(next) ?? 0) + flow);
      }
    }
  }
  const states = new Map(
    order.map(({ key, prompt, state, probabilities }): [string, ExactState] => [
      key,
      {
        key,
        prompt,
        state,
        probabilities,
        visits: visits.get(key)!,
        value: values.get(key)!,
        actionValues: actionValues.get(key)!,
      },
    ]),
  );
  return { value: values.get(rootKey)!, states };
}

/** Adds a layer of states to the drafts; returns the states that it leads to and that are new. */
async function expandLayer(
  { environment, policy, sampling }: { environment: AnyEnvironment; policy: Policy; sampling: Sampling },
  layer: readonly { readonly key: string; readonly state: unknown }[],
  drafts: Map<string, Draft>,
): Promise<readonly { key: string; state: unknown }[]> {
  const prompts = layer.map(
    ({ state }): Prompt => ({ text: environment.observe(state).text, actions: environment.actions!(state) }),
  );
  const distributions = await policy.distributions(prompts, sampling);
  for (const [index, { key, state }] of layer.entries()) {
    drafts.set(key, {
      key,
      state,
      prompt: prompts[index]!,
      probabilities: distributions[index]!.map(Math.exp),
      outcomes: [],
    });
  }
  const next = new Map<string, unknown>();
  for (const { key, state } of layer) {
    const draft = drafts.get(key)!;
    draft.outcomes = await Promise.all(
      draft.prompt.actions!.map(async (action, index) => {
        const outcomes: Outcome[] = [];
        if (draft.probabilities[index] === 0) return outcomes; // underflow: never taken
        await enumerate(
          async (random) => takeStep(environment, state, action, random),
          (transition, probability) => {
            const ended = transition.terminated || transition.truncated;
            const after = ended ? undefined : environment.key!(transition.state);
            if (after !== undefined && !drafts.has(after)) next.set(after, transition.state);
            outcomes.push({ probability, reward: transition.reward, next: after });
          },
        );
        return outcomes;
      }),
    );
  }
  return [...next].map(([key, state]) => ({ key, state }));
}

/** Every state before the states that it leads to. */
function topological(drafts: ReadonlyMap<string, Draft>, root: string, id: string): readonly Draft[] {
  const incoming = new Map<string, number>();
  const followers = (draft: Draft): readonly string[] =>
    draft.outcomes.flatMap((outcomes) => outcomes.flatMap(({ next }) => next ?? []));
  for (const draft of drafts.values()) {
    for (const next of followers(draft)) incoming.set(next, (incoming.get(next) ?? 0) + 1);
  }
  const order: Draft[] = [];
  const ready = incoming.has(root) ? [] : [root];
  while (ready.length > 0) {
    const draft = drafts.get(ready.pop()!)!;
    order.push(draft);
    for (const next of followers(draft)) {
      const left = incoming.get(next)! - 1;
      incoming.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  if (order.length < drafts.size) {
    throw new InputError(`${id}: states repeat in a cycle; put the number of turns into key()`);
  }
  return order;
}

/**
 * The exact policy gradient of the expected return: sum over s, a of d(s) pi(a|s) A(s, a) grad log pi(a|s).
 * @experimental
 */
export async function exactGradient(
  oracle: Oracle,
  policy: TrainablePolicy,
  sampling: Sampling,
): Promise<Float64Array> {
  const records: ActionRecord[] = [];
  const gradients: Float64Array[] = [];
  for (const { prompt, visits, probabilities, value, actionValues } of oracle.states.values()) {
    for (const [action, probability] of probabilities.entries()) {
      records.push({ prompt, tokens: [action] });
      gradients.push(Float64Array.of(visits * probability * (actionValues[action]! - value)));
    }
  }
  return Float64Array.from(await policy.gradient(records, () => gradients, sampling));
}
