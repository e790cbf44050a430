import { flatPlan } from '../../algorithms/shared/flat.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { leaves } from '../../algorithms/tree.ts';
import type { Random } from '../../core/random.ts';
import { mean } from '../../core/statistics.ts';
import type { LoadedEnvironment, Task } from '../../envs/environment.ts';
import { scoreAnswer } from '../../envs/scoring/answer.ts';
import { greedy } from '../../policies/enumerable.ts';
import type { Policy, Sampling } from '../../policies/policy.ts';
import { clusteredError } from '../stats/clustered-error.ts';
import { rollout } from './engine.ts';

/** Means over trajectories. */
export interface Scores {
  readonly f1: number;
  /**
   * Standard error of `f1` over questions, episodes of one question together: how well these questions measure this
   * policy. Null for one question.
   */
  readonly f1QuestionError: number | null;
  readonly em: number;
  readonly reward: number;
  /** Episode length. */
  readonly actions: number;
  /** What the environment measures itself (`measure`); null where it is defined for none of the episodes. */
  readonly measures: Readonly<Record<string, number | null>>;
}

/** F1, EM (rules of the environment's metric) and return of every trajectory of the trees, averaged. */
export function score(trees: readonly RolloutTree[], loaded: LoadedEnvironment): Scores {
  const { environment, metric = 'hotpotqa' } = loaded;
  const episodes = trees.flatMap((tree) =>
    leaves(tree).map((leaf) => ({
      question: tree.task.id,
      ...scoreAnswer(metric, environment.answer(leaf.state), tree.task.answers),
      reward: leaf.return,
      actions: leaf.depth,
      measures: environment.measure?.(leaf.state) ?? {},
    })),
  );
  const average = (key: 'f1' | 'em' | 'reward' | 'actions'): number =>
    mean(episodes.map((episode) => episode[key]));
  const measures = Object.keys(episodes[0]?.measures ?? {}).map((name) => {
    const defined = episodes.map((episode) => episode.measures[name]!).filter((value) => value !== null);
    return [name, defined.length === 0 ? null : mean(defined)] as const;
  });
  return {
    f1: average('f1'),
    f1QuestionError: clusteredError(
      episodes.map((episode) => episode.f1),
      episodes.map((episode) => episode.question),
    ),
    em: average('em'),
    reward: average('reward'),
    actions: average('actions'),
    measures: Object.fromEntries(measures),
  };
}

/** `episodes` episodes per task. Greedy decoding takes the most likely action; otherwise draws by `sampling`. */
export async function evaluate(request: {
  readonly loaded: LoadedEnvironment;
  readonly policy: Policy;
  readonly tasks: readonly Task[];
  readonly episodes: number;
  readonly decoding: 'sample' | 'greedy';
  readonly sampling: Sampling;
  readonly random: Random;
  readonly signal?: AbortSignal;
}): Promise<Scores> {
  const { loaded, policy, decoding, sampling, tasks, episodes, random, signal } = request;
  const trees = await rollout({
    environment: loaded.environment,
    policy: decoding === 'greedy' ? greedy(policy) : policy,
    plan: (tree) => flatPlan(tree, episodes),
    tasks,
    random,
    sampling,
    ...(signal === undefined ? {} : { signal }),
  });
  return score(trees, loaded);
}
