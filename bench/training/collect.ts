import type { Resampling } from '../../algorithms/algorithm.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import type { Task } from '../../envs/environment.ts';
import { type RolloutRequest, rollout } from '../rollout/engine.ts';

/** The trees of one iteration. */
export interface Collected {
  /** All trees that were grown, the used ones first. */
  readonly trees: readonly RolloutTree[];
  /** How many are used: at most the number of questions asked for. */
  readonly used: number;
}

/**
 * Grows one tree per question; where the method keeps only some trees (DAPO's dynamic sampling), goes on with further
 * questions, batch by batch, until enough are kept or the method's number of batches is reached. The first batch is the
 * same with and without resampling.
 * @param questions trees wanted.
 * @param nextTasks the next so many questions of the training stream.
 */
export async function collect({
  request,
  questions,
  nextTasks,
  resampling,
}: {
  readonly request: Omit<RolloutRequest, 'tasks'>;
  readonly questions: number;
  readonly nextTasks: (count: number) => readonly Task[];
  readonly resampling: Resampling | undefined;
}): Promise<Collected> {
  const first = await rollout({ ...request, tasks: nextTasks(questions) });
  if (resampling === undefined) return { trees: first, used: first.length };
  const kept: RolloutTree[] = [];
  const dropped: RolloutTree[] = [];
  const sort = (trees: readonly RolloutTree[]): void => {
    for (const tree of trees) (kept.length < questions && resampling.keep(tree) ? kept : dropped).push(tree);
  };
  sort(first);
  for (let batch = 1; batch < resampling.batches && kept.length < questions; batch++) {
    const random = request.random.split('resample', batch);
    sort(await rollout({ ...request, random, tasks: nextTasks(questions) }));
  }
  return { trees: [...kept, ...dropped], used: kept.length };
}
