import { findAlgorithm } from '../algorithms/registry.ts';
import type { Cell } from '../bench/cell.ts';
import { expertOf } from '../bench/rollout/forced.ts';
import { adamState } from '../bench/training/adam.ts';
import { collect } from '../bench/training/collect.ts';
import { describeCredit, describeRollouts } from '../bench/training/describe.ts';
import { trainingRows as rowsOf, update } from '../bench/training/update.ts';
import { startingPolicy } from '../bench/training/warm-start.ts';
import { createRandom, shuffled } from '../core/random.ts';
import { findEnvironment } from '../envs/registry.ts';
import type { TransformerConfig } from '../policies/llama/config.ts';
import { sizeOf, weightSpecs } from '../policies/llama/weights.ts';
import type { TrainablePolicy } from '../policies/policy.ts';
import { trainingRows } from '../policies/text-transformer/rows.ts';
import type { Prepared, SpeedContext } from './case.ts';

/** What a policy was asked in one iteration, for a loop that does the same without us. */
interface Recording {
  readonly calls: { readonly contexts: number[][]; readonly counts: number[] }[];
  /** Per optimizer step the rows, and which positions predict trained tokens. */
  readonly updates: { readonly ids: number[]; readonly trained: number[] }[][];
}

/** The policy, with what it is asked written down. Free text only. */
function recorded(policy: TrainablePolicy, { calls, updates }: Recording): TrainablePolicy {
  return {
    ...policy,
    act: async (requests, sampling) => {
      const actions = await policy.act(requests, sampling);
      const drawn = actions.map(
        (action, index) => action.tokens.length - (requests[index]!.generation?.prefix?.tokens.length ?? 0),
      );
      const asked = [...requests.keys()].filter((index) => drawn[index]! > 0);
      calls.push({
        contexts: asked.map((index) => [
          ...requests[index]!.prompt.tokens!,
          ...(requests[index]!.generation?.prefix?.tokens ?? []),
        ]),
        counts: asked.map((index) => drawn[index]!),
      });
      return actions;
    },
    gradient: (records, loss, sampling, into) => {
      const { rows } = trainingRows(records, Number.POSITIVE_INFINITY);
      updates.push(rows.map(({ ids, scored }) => ({ ids: [...ids], trained: [...scored] })));
      return policy.gradient(records, loss, sampling, into);
    },
  };
}

/**
 * One iteration of a cell's algorithm on its environment, as bench/training/train.ts does it, over and over from the same
 * weights and with the same random numbers: rollouts, credit with all that is counted, update.
 * @param record whether to write down for PyTorch what the policy does (free text).
 */
export async function prepareIteration(
  cell: Cell,
  { cacheDirectory }: SpeedContext,
  record: boolean,
): Promise<Prepared> {
  const context = { cacheDirectory };
  const loaded = await findEnvironment(cell.environment.id).load(cell.environment.options, context);
  const { policy } = await startingPolicy(cell, loaded, context);
  const algorithm = findAlgorithm(cell.algorithm.id);
  const { options } = cell.algorithm;
  const { training } = cell;
  const sampling = { temperature: training.temperature };
  const random = createRandom(cell.seed).split('train');
  const tasks = shuffled(loaded.tasks.train, random.split('questions')).slice(0, training.questions);
  const start = policy.parameters();

  const iteration = async (
    by: TrainablePolicy,
  ): Promise<{ rollout: number; credit: number; update: number }> => {
    const begin = performance.now();
    const collected = await collect({
      request: {
        environment: loaded.environment,
        policy: by,
        plan: (tree, draws) => algorithm.next(tree, options, draws),
        random: random.split('iteration', 1),
        sampling,
        measuring: { needs: algorithm.needs?.(options) ?? [], weights: policy, reference: start },
        ...expertOf(loaded),
      },
      questions: training.questions,
      nextTasks: () => tasks,
      resampling: undefined,
    });
    const { trees } = collected;
    const sampled = performance.now();
    const rows = rowsOf(trees, algorithm.credit(trees, options, random.split('credit')));
    describeRollouts(trees, loaded, by);
    describeCredit(trees, rows);
    const credited = performance.now();
    await update({
      policy: by,
      objective: algorithm.objective(options),
      rows,
      questions: trees.length,
      adam: adamState(start.length),
      options: training,
      sampling,
    });
    const end = performance.now();
    return {
      rollout: (sampled - begin) / 1000,
      credit: (credited - sampled) / 1000,
      update: (end - credited) / 1000,
    };
  };

  const recording: Recording = { calls: [], updates: [] };
  if (record) await iteration(recorded(policy, recording));
  const config = cell.policy.options as unknown as TransformerConfig;
  // The embedding is what the other weights leave.
  const others = weightSpecs(config, 0).reduce((sum, spec) => sum + sizeOf(spec), 0);
  const vocabulary = (start.length - others) / config.modelSize;
  return {
    before: () => policy.setParameters(start),
    run: () => iteration(policy),
    ...(record ? { torch: { kind: 'iteration', config, vocabulary, microBatch: 16, ...recording } } : {}),
    dispose: () => policy.dispose(),
  };
}
