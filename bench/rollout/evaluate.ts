import { flatPlan } from '../../algorithms/shared/flat.ts';
import type { RolloutTree, TreeNode } from '../../algorithms/tree.ts';
import { leaves } from '../../algorithms/tree.ts';
import type { Random } from '../../core/random.ts';
import { mean } from '../../core/statistics.ts';
import type { LoadedEnvironment, Task } from '../../envs/environment.ts';
import { scoreGiven } from '../../envs/scoring/answer.ts';
import { greedy } from '../../policies/enumerable.ts';
import type { Policy, Sampling } from '../../policies/policy.ts';
import { clusteredError } from '../stats/clustered-error.ts';
import { rollout } from './engine.ts';

/**
 * Means over trajectories.
 * @experimental
 */
export interface Scores {
  /** What the environment declares as its score; null if that is defined for none of the episodes. */
  readonly score: number | null;
  /**
   * Standard error of `score` over questions, episodes of one question together: how well these questions measure this
   * policy. Null for one question.
   */
  readonly questionError: number | null;
  /** Of the answers, 0 to 1: no answer counts as 0. Null in environments without answers. */
  readonly f1: number | null;
  readonly em: number | null;
  /** Sum of rewards. */
  readonly return: number;
  /** Episode length. */
  readonly actions: number;
  /** The environment's own metrics by name; null if one is defined for none of the episodes. */
  readonly metrics: Readonly<Record<string, number | null>>;
}

/**
 * What one episode scored.
 * @param golds accepted answers; undefined if nobody knows them: there is no F1 and no exact match then.
 */
export function scoreEpisode(
  { environment, metric = 'hotpotqa' }: LoadedEnvironment,
  { state, return: sum }: Pick<TreeNode, 'state' | 'return'>,
  golds: readonly string[] | undefined,
): Pick<Scores, 'f1' | 'em' | 'return' | 'metrics'> {
  const kind = environment.answerKind ?? 'text';
  const answered =
    environment.answer === undefined || golds === undefined
      ? { f1: null, em: null }
      : scoreGiven({ kind, metric }, environment.answer(state), golds);
  return {
    ...answered,
    return: sum,
    metrics: Object.fromEntries((environment.metrics ?? []).map((one) => [one.name, one.of(state)])),
  };
}

/**
 * Scores of every trajectory of the trees, averaged.
 * @experimental
 */
export function score(trees: readonly RolloutTree[], loaded: LoadedEnvironment): Scores {
  const { name } = loaded.environment.score ?? { name: 'return' };
  const episodes = trees.flatMap((tree) =>
    leaves(tree).map((leaf) => {
      const { metrics, ...scores } = scoreEpisode(loaded, leaf, tree.task.answers);
      const all: Readonly<Record<string, number | null>> = { ...metrics, ...scores };
      return { question: tree.task.id, ...scores, actions: leaf.depth, metrics, score: all[name] ?? null };
    }),
  );
  const defined = (values: readonly (number | null)[]): number | null => {
    const numbers = values.filter((value) => value !== null);
    return numbers.length === 0 ? null : mean(numbers);
  };
  const scored = episodes.flatMap((one) => (one.score === null ? [] : [{ ...one, score: one.score }]));
  const metrics = (loaded.environment.metrics ?? []).map(
    (one) => [one.name, defined(episodes.map((episode) => episode.metrics[one.name]!))] as const,
  );
  return {
    score: defined(episodes.map((episode) => episode.score)),
    questionError: clusteredError(
      scored.map((episode) => episode.score),
      scored.map((episode) => episode.question),
    ),
    f1: defined(episodes.map((episode) => episode.f1)),
    em: defined(episodes.map((episode) => episode.em)),
    return: mean(episodes.map((episode) => episode.return)),
    actions: mean(episodes.map((episode) => episode.actions)),
    metrics: Object.fromEntries(metrics),
  };
}

/**
 * What is evaluated, and how.
 * @experimental
 */
export interface EvaluationRequest {
  readonly loaded: LoadedEnvironment;
  readonly policy: Policy;
  readonly tasks: readonly Task[];
  /** Per task; greedy decoding needs one. */
  readonly episodes: number;
  readonly decoding: 'sample' | 'greedy';
  readonly sampling: Sampling;
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/** One tree of `episodes` chains per task. Greedy decoding takes the most likely action; otherwise draws by `sampling`. */
export function evaluationTrees(request: EvaluationRequest): Promise<readonly RolloutTree[]> {
  const { loaded, policy, decoding, sampling, tasks, episodes, random, signal } = request;
  return rollout({
    environment: loaded.environment,
    policy: decoding === 'greedy' ? greedy(policy) : policy,
    plan: (tree) => flatPlan(tree, episodes),
    tasks,
    random,
    sampling,
    ...(signal === undefined ? {} : { signal }),
  });
}

/**
 * The scores of `episodes` episodes per task.
 * @experimental
 */
export async function evaluate(request: EvaluationRequest): Promise<Scores> {
  return score(await evaluationTrees(request), request.loaded);
}
