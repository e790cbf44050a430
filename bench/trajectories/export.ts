import type { ConfiguredAlgorithm } from '../../algorithms/configured.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import type { Random } from '../../core/random.ts';
import type { LoadedEnvironment, Task } from '../../envs/environment.ts';
import type { Policy, Sampling } from '../../policies/policy.ts';
import { rollout } from '../rollout/engine.ts';
import { expertOf } from '../rollout/forced.ts';
import { headStates, readHeads } from '../training/heads.ts';
import { trajectoriesOf } from './from-trees.ts';
import type { Trajectory } from './trajectory.ts';

/**
 * What is sampled to be written.
 * @experimental
 */
export interface ExportRequest {
  readonly loaded: LoadedEnvironment;
  readonly policy: Policy;
  readonly algorithm: ConfiguredAlgorithm;
  readonly tasks: readonly Task[];
  readonly sampling: Sampling;
  /** Questions that are sampled, and later normalised, together. */
  readonly batch: number;
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/**
 * The trees of one batch, and the same as trajectories.
 * @experimental
 */
export interface ExportedBatch {
  readonly trees: readonly RolloutTree[];
  readonly trajectories: readonly Trajectory[];
}

/**
 * The trees that a method's own plan grows, with all that its credit reads: what it has measured, and the outputs of its
 * critics before their training. Batch by batch; nothing is trained.
 * @throws InputError when the method needs what the policy or the environment cannot give.
 * @experimental
 */
export async function* exportedTrees(request: ExportRequest): AsyncGenerator<ExportedBatch> {
  const { loaded, policy, algorithm, tasks, sampling, random, signal } = request;
  for (let batch = 0; batch * request.batch < tasks.length; batch++) {
    const own = tasks.slice(batch * request.batch, (batch + 1) * request.batch);
    const sampled = await rollout({
      ...{ environment: loaded.environment, policy, plan: algorithm.next, tasks: own, sampling },
      random: random.split('batch', batch),
      // Starting weights and those before the last update are the policy's own.
      measuring: { needs: algorithm.needs },
      ...expertOf(loaded),
      ...(signal === undefined ? {} : { signal }),
    });
    const { trees } = await readHeads(sampled, headStates(algorithm.heads), policy, sampling);
    const trajectories = trees.flatMap((tree, index) => trajectoriesOf(tree, nameIn(own, index), batch));
    yield { trees, trajectories };
  }
}

/** The id of a question; with its place, if another one of the batch has the same. */
function nameIn(tasks: readonly Task[], index: number): string {
  const { id } = tasks[index]!;
  return tasks.some((task, other) => other !== index && task.id === id) ? `${id}#${index}` : id;
}
