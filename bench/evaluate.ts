import { flatPlan } from '../algorithms/flat.ts';
import { mean } from '../algorithms/group.ts';
import type { RolloutTree } from '../algorithms/tree.ts';
import { leaves } from '../algorithms/tree.ts';
import type { Random } from '../core/random.ts';
import type { LoadedEnvironment, Task } from '../envs/environment.ts';
import { scoreAnswer } from '../envs/scoring/answer.ts';
import { greedy } from '../policies/enumerable.ts';
import type { Policy } from '../policies/policy.ts';
import { rollout } from './engine.ts';

/** Means over trajectories. */
export interface Scores {
  readonly f1: number;
  readonly em: number;
  readonly reward: number;
  /** Episode length. */
  readonly actions: number;
}

/** F1, EM and return of every trajectory of the trees (HotpotQA's rules), averaged. */
export function score(trees: readonly RolloutTree[], loaded: LoadedEnvironment): Scores {
  const episodes = trees.flatMap((tree) =>
    leaves(tree).map((leaf) => ({
      ...scoreAnswer('hotpotqa', loaded.environment.answer(leaf.state), tree.task.answers),
      reward: leaf.return,
      actions: leaf.depth,
    })),
  );
  const average = (key: 'f1' | 'em' | 'reward' | 'actions'): number =>
    mean(episodes.map((episode) => episode[key]));
  return { f1: average('f1'), em: average('em'), reward: average('reward'), actions: average('actions') };
}

/** `episodes` episodes per task. Greedy decoding takes the most likely action; otherwise draws at `temperature`. */
export async function evaluate(request: {
  readonly loaded: LoadedEnvironment;
  readonly policy: Policy;
  readonly tasks: readonly Task[];
  readonly episodes: number;
  readonly decoding: 'sample' | 'greedy';
  readonly temperature: number;
  readonly random: Random;
  readonly signal?: AbortSignal;
}): Promise<Scores> {
  const { loaded, policy, decoding, temperature, tasks, episodes, random, signal } = request;
  const trees = await rollout({
    environment: loaded.environment,
    policy: decoding === 'greedy' ? greedy(policy) : policy,
    plan: (tree) => flatPlan(tree, episodes),
    tasks,
    random,
    sampling: { temperature },
    ...(signal === undefined ? {} : { signal }),
  });
  return score(trees, loaded);
}
