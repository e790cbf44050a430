import { setImmediate } from 'node:timers/promises';
import { InputError } from '../../core/errors.ts';
import type { AnyEnvironment, Transition } from '../../envs/environment.ts';
import type { Policy, Prompt, Sampling } from '../../policies/policy.ts';
import { enumerate } from '../audit/enumerate.ts';
import { MOST_ACTIONS, neverEnds, takeStep } from '../rollout/step.ts';

/** A distribution over returns: different values, probabilities summing to 1. */
export type Outcomes = readonly { readonly value: number; readonly probability: number }[];

/** What can follow a state: every action, its probability, and what comes of it. */
export interface StateOutcomes {
  /** Log-probabilities of the legal actions under the policy. */
  readonly logProbs: Float64Array;
  /**
   * Per action, the exact distribution of the return from this state on when that action is taken here and the
   * most likely action everywhere after. More than one value only if the environment draws.
   */
  readonly outcomes: readonly Outcomes[];
}

/** What every function here asks of an environment. */
export type ExactEnvironment = AnyEnvironment & Required<Pick<AnyEnvironment, 'actions' | 'key'>>;

/**
 * The environment, when its states can be enumerated.
 * @throws InputError when it has no `actions` or `key`, or is not Markov.
 */
export function exactEnvironment(environment: AnyEnvironment): ExactEnvironment {
  const { markov, actions, key } = environment;
  if (!markov || actions === undefined || key === undefined) {
    throw new InputError(
      `environment '${environment.id}': criticality needs a Markov environment with actions() and key(); it has markov ${markov}, ${actions === undefined ? 'no ' : ''}actions, ${key === undefined ? 'no ' : ''}key`,
    );
  }
  return environment as ExactEnvironment;
}

/** What the policy reads at a state. */
function promptAt(environment: ExactEnvironment, state: unknown): Prompt {
  return { text: environment.observe(state).text, actions: environment.actions(state) };
}

/** Index of the most likely action, the first of equals: what `greedy` takes. */
export function mostLikely(logProbs: Float64Array): number {
  return logProbs.indexOf(Math.max(...logProbs));
}

/** A step: what it pays, with what probability, and the key of the state after it, undefined at an end. */
interface Branch {
  readonly probability: number;
  readonly reward: number;
  readonly next: string | undefined;
}

/**
 * The exact outcomes of every action at every given state, the policy going on greedily (the setting of Eq. 5
 * of arXiv 2512.04949). States advance in lock-step layers, equal states (by `key`) are computed once, and the
 * policy is asked for one batch per layer.
 * @throws InputError when states repeat in a cycle, or the policy's most likely actions lead to no end.
 */
export async function greedyOutcomes(request: {
  readonly environment: ExactEnvironment;
  readonly policy: Policy;
  readonly states: readonly unknown[];
  readonly sampling: Sampling;
  readonly signal?: AbortSignal;
}): Promise<readonly StateOutcomes[]> {
  const { environment, policy, states, sampling, signal } = request;
  const found = new Map<string, unknown>();
  const expand = async (state: unknown, action: string): Promise<readonly Branch[]> => {
    const branches: Branch[] = [];
    await enumerate(
      async (random) => takeStep(environment, state, action, random),
      (transition: Transition<unknown>, probability) => {
        const ended = transition.terminated || transition.truncated;
        const next = ended ? undefined : environment.key(transition.state);
        if (next !== undefined && !found.has(next)) found.set(next, transition.state);
        branches.push({ probability, reward: transition.reward, next });
      },
    );
    return branches;
  };

  const ask = (batch: readonly unknown[]) =>
    policy.distributions(
      batch.map((state) => promptAt(environment, state)),
      sampling,
    );
  const distributions = await ask(states);
  const branches: (readonly Branch[])[][] = [];
  for (const state of states) {
    branches.push(await Promise.all(environment.actions(state).map((action) => expand(state, action))));
  }

  // The greedy continuation from every state found so far, layer by layer.
  const greedy = new Map<string, readonly Branch[]>();
  let taken = 1;
  for (let layer = [...found]; layer.length > 0; layer = [...found].filter(([key]) => !greedy.has(key))) {
    if (taken++ === MOST_ACTIONS) throw neverEnds(environment);
    await setImmediate(); // lets signals in
    signal?.throwIfAborted();
    const likely = await ask(layer.map(([, state]) => state));
    for (const [index, [key, state]] of layer.entries()) {
      const action = environment.actions(state)[mostLikely(likely[index]!)]!;
      greedy.set(key, await expand(state, action));
    }
  }
  const solved = new Map<string, Outcomes | undefined>();
  const continuation = (key: string): Outcomes => {
    if (solved.has(key)) {
      const known = solved.get(key);
      if (known === undefined) {
        throw new InputError(
          `${environment.id}: states repeat in a cycle; put the number of turns into key()`,
        );
      }
      return known;
    }
    solved.set(key, undefined);
    const result = combine(greedy.get(key)!, continuation);
    solved.set(key, result);
    return result;
  };
  return states.map((_, index) => ({
    logProbs: distributions[index]!,
    outcomes: branches[index]!.map((action) => combine(action, continuation)),
  }));
}

function combine(branches: readonly Branch[], after: (key: string) => Outcomes): Outcomes {
  const END: Outcomes = [{ value: 0, probability: 1 }];
  return mixture(
    branches.map(({ probability, reward, next }) => ({
      weight: probability,
      outcomes: (next === undefined ? END : after(next)).map((outcome) => ({
        ...outcome,
        value: reward + outcome.value,
      })),
    })),
  );
}

/** The distribution of a value drawn from one of several distributions, chosen by weight. Equal values merge. */
export function mixture(
  parts: readonly { readonly weight: number; readonly outcomes: Outcomes }[],
): Outcomes {
  const total = new Map<number, number>();
  for (const { weight, outcomes } of parts) {
    for (const { value, probability } of outcomes) {
      if (weight * probability > 0) total.set(value, (total.get(value) ?? 0) + weight * probability);
    }
  }
  return [...total].map(([value, probability]) => ({ value, probability }));
}
