import type { Random } from '../../core/random.ts';
import type { Task } from '../../envs/environment.ts';
import { greedy } from '../../policies/enumerable.ts';
import type { Policy, Prompt, Sampling } from '../../policies/policy.ts';
import { entropy } from '../../policies/softmax.ts';
import { continueEpisodes } from '../rollout/continue.ts';
import { rollout } from '../rollout/engine.ts';
import { exactCriticality, outcomeDistribution, sampledCriticality, samplingError } from './criticality.ts';
import { type ExactEnvironment, greedyOutcomes, mostLikely } from './outcomes.ts';

/** A state that a sampled trajectory has met. */
export interface VisitedState {
  readonly task: Task;
  readonly state: unknown;
  /** Actions before it. */
  readonly depth: number;
  readonly prompt: Prompt;
  /** The action that was sampled there. */
  readonly action: string;
  /** Its negative log-probability, the one-sample estimate of the entropy that CARL forks by (Eq. 6-8). */
  readonly surprisal: number;
}

/** A visited state with what was measured at it. */
export interface MeasuredState extends VisitedState {
  /** Exact entropy of the action, nats. */
  readonly entropy: number;
  /** The most likely action. */
  readonly likely: string;
  /** Exact criticality (Eq. 5). */
  readonly criticality: number;
  /** The same with the environment's randomness in it; what sampling estimates. */
  readonly outcomeDeviation: number;
  /** Estimate from sampled actions; null if none were asked for. */
  readonly sampled: number | null;
  /** Expectation and standard deviation of that estimate. */
  readonly sampledExpected: number | null;
  readonly sampledDeviation: number | null;
}

/** Groups moves by the first word of the action. */
export function moveKind(action: string): string {
  return action.split(' ', 1)[0]!;
}

interface Request {
  readonly environment: ExactEnvironment;
  readonly policy: Policy;
  readonly sampling: Sampling;
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/**
 * The states that sampled trajectories of the tasks meet, each once per task (by `key`, where it is met first).
 * @param trajectories per task; the paper has 294 states from 70 tasks, about one trajectory each.
 */
export async function visitedStates(
  request: Request & { readonly tasks: readonly Task[]; readonly trajectories: number },
): Promise<readonly VisitedState[]> {
  const { environment, trajectories } = request;
  const trees = await rollout({
    ...request,
    plan: (tree) =>
      tree.edges.length === 0 ? Array.from({ length: trajectories }, () => ({ node: 0 })) : [],
  });
  return trees.flatMap((tree) => {
    const met = new Map<string, VisitedState>();
    for (const edge of tree.edges) {
      const { state, depth, prompt } = tree.nodes[edge.from]!;
      const key = environment.key(state);
      if (met.has(key)) continue;
      const surprisal = -edge.logProbs.reduce((sum, value) => sum + value, 0) / edge.logProbs.length;
      met.set(key, { task: tree.task, state, depth, prompt, action: edge.action, surprisal });
    }
    return [...met.values()];
  });
}

/**
 * Measures criticality and uncertainty of the given states.
 * @param samples K, sampled actions per state: 0 for none, else at least 2. The paper does not give its K.
 */
export async function measureStates(
  request: Request & { readonly states: readonly VisitedState[]; readonly samples: number },
): Promise<readonly MeasuredState[]> {
  const { states, samples } = request;
  const exact = await greedyOutcomes({ ...request, states: states.map(({ state }) => state) });
  const sampled = samples === 0 ? undefined : await sampledOutcomes(request);
  return states.map((visited, index): MeasuredState => {
    const found = exact[index]!;
    const { exact: criticality, outcome } = exactCriticality(found);
    const error = sampled === undefined ? undefined : samplingError(outcomeDistribution(found), samples);
    return {
      ...visited,
      entropy: entropy(found.logProbs),
      likely: visited.prompt.actions![mostLikely(found.logProbs)]!,
      criticality,
      outcomeDeviation: outcome,
      sampled: sampled === undefined ? null : sampledCriticality(sampled[index]!),
      sampledExpected: error?.expected ?? null,
      sampledDeviation: error?.deviation ?? null,
    };
  });
}

/**
 * Plays what Eq. 5 describes: at every state K actions drawn from the policy, each continued with the most
 * likely action to the end. An independent path to what `greedyOutcomes` computes.
 * @returns K returns per state, from that state on.
 */
async function sampledOutcomes({
  environment,
  policy,
  states,
  samples,
  sampling,
  random,
  signal,
}: Request & { readonly states: readonly VisitedState[]; readonly samples: number }): Promise<
  readonly (readonly number[])[]
> {
  const beginnings = states.flatMap(({ state, task, prompt }) =>
    Array.from({ length: samples }, (_, sample) => ({
      question: task.id,
      state,
      prompt,
      random: random.split('criticality', task.id, environment.key(state), sample),
    })),
  );
  const played = await continueEpisodes({
    ...{ environment, policy, later: greedy(policy), beginnings, sampling },
    ...(signal === undefined ? {} : { signal }),
  });
  return states.map((_, index) =>
    played.slice(index * samples, (index + 1) * samples).map((one) => one.return),
  );
}
