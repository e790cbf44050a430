import { setImmediate } from 'node:timers/promises';
import type { Random } from '../../core/random.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import { greedy } from '../../policies/enumerable.ts';
import type { ActRequest, Policy, Prompt, SampledAction, Sampling } from '../../policies/policy.ts';
import { readPrompt } from '../rollout/context.ts';
import { rollout } from '../rollout/engine.ts';
import { MOST_ACTIONS, neverEnds, takeStep } from '../rollout/step.ts';
import { sampledCriticality } from './criticality.ts';

interface Request {
  readonly environment: AnyEnvironment;
  readonly policy: Policy;
  readonly sampling: Sampling;
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/** A state of which only samples are known: actions in text cannot be enumerated. */
export interface SampledState {
  readonly task: Task;
  /** Actions before it. */
  readonly depth: number;
  readonly prompt: Prompt;
  /** The action that the trajectory took there. */
  readonly action: string;
  /** Its negative log-probability per token: what CARL forks by. */
  readonly surprisal: number;
  /** Mean entropy of the tokens of the actions that were sampled there. */
  readonly entropy: number;
  /** Returns from there on: an action sampled, then the most likely tokens. */
  readonly returns: readonly number[];
  /** Their standard deviation, divisor K - 1. */
  readonly criticality: number;
}

/**
 * Criticality (Eq. 5 of arXiv 2512.04949) by samples alone: the states of one sampled trajectory per question, and at each
 * `samples` actions drawn from the policy, each continued greedily to the end.
 * @param request.samples K, at least 2.
 */
export async function sampledStates(
  request: Request & {
    readonly tasks: readonly Task[];
    readonly samples: number;
    onProgress?(done: number, total: number): void;
  },
): Promise<readonly SampledState[]> {
  const { environment, policy, samples, random } = request;
  const trees = await rollout({
    ...request,
    random: random.split('visited'),
    plan: (tree) => (tree.edges.length === 0 ? [{ node: 0 }] : []),
  });
  const visited = trees.flatMap((tree) =>
    tree.edges.map((edge) => ({ task: tree.task, edge, ...tree.nodes[edge.from]! })),
  );
  const played = await play(
    request,
    visited.flatMap(({ task, state, depth, prompt }) =>
      Array.from({ length: samples }, (_, sample) => ({
        question: task.id,
        state,
        prompt,
        random: random.split('criticality', task.id, depth, sample),
      })),
    ),
  );
  return visited.map(({ task, depth, prompt, edge }, index): SampledState => {
    const own = played.slice(index * samples, (index + 1) * samples);
    const returns = own.map(({ sum }) => sum);
    const entropies = [edge.entropies, ...own.map(({ first }) => first.entropies)].flat();
    const total = edge.logProbs.reduce((sum, value) => sum + value, 0);
    return {
      task,
      depth,
      prompt,
      action: edge.action,
      surprisal: -total / edge.logProbs.length,
      entropy: entropies.reduce((sum, value) => sum + value, 0) / entropies.length,
      returns,
      criticality: sampledCriticality(returns),
    };
  });

  async function play(
    { environment: world, sampling, signal, onProgress }: typeof request,
    starts: readonly Start[],
  ): Promise<readonly Played[]> {
    const result = starts.map((): { sum: number; first?: SampledAction } => ({ sum: 0 }));
    let active = starts.map((start, index) => ({ ...start, index }));
    const later = greedy(policy);
    let taken = 0;
    for (let actor = policy; active.length > 0; actor = later) {
      if (taken++ === MOST_ACTIONS) throw neverEnds(world, active[0]!.question);
      await setImmediate(); // lets signals in
      signal?.throwIfAborted();
      onProgress?.(starts.length - active.length, starts.length);
      const actions = await actor.act(
        active.map((one) => requestOf(world, one)),
        sampling,
      );
      await world.prepare?.(
        active.map(({ state }, position) => ({ state, action: actions[position]!.text })),
        signal,
      );
      active = active.flatMap((one, position) => {
        const action = actions[position]!;
        const next = takeStep(world, one.state, action.text, one.random);
        const own = result[one.index]!;
        own.sum += next.reward;
        own.first ??= action;
        if (next.terminated || next.truncated) return [];
        const turn = { prompt: one.prompt, action: action.text, tokens: action.tokens };
        return [{ ...one, state: next.state, prompt: readPrompt(environment, policy, next.state, turn) }];
      });
    }
    return result as readonly Played[];
  }
}

interface Start {
  readonly question: string;
  readonly state: unknown;
  readonly prompt: Prompt;
  readonly random: Random;
}

interface Played {
  readonly sum: number;
  readonly first: SampledAction;
}

const requestOf = ({ text }: AnyEnvironment, { prompt, random }: Start): ActRequest =>
  text === undefined
    ? { prompt, random }
    : { prompt, random, generation: { stops: text.stops, maxTokens: text.maxActionTokens } };
