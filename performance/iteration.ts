import { configured } from '../algorithms/configured.ts';
import { nameOfChoice } from '../bench/catalog/catalog.ts';
import { loadEnvironment } from '../bench/catalog/load-environment.ts';
import type { Cell } from '../bench/cell.ts';
import { initialState, type Stage, trainIteration } from '../bench/training/iteration.ts';
import { setupOf } from '../bench/training/train.ts';
import { trainableStart } from '../bench/training/warm-start.ts';
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
 * One iteration of a cell's algorithm on its environment over and over, from the same weights and with the same random
 * numbers: rollouts, credit, update.
 */
export async function prepareIteration(
  cell: Cell,
  { catalog, cacheDirectory }: SpeedContext,
): Promise<Prepared> {
  const context = { cacheDirectory };
  const spec = catalog.environment(nameOfChoice(cell.environment));
  const loaded = await loadEnvironment(spec, cell.environment.options, context);
  const { policy } = await trainableStart(cell, catalog, loaded, context);
  const algorithm = configured(catalog.algorithm(nameOfChoice(cell.algorithm)), cell.algorithm.options);
  const setup = setupOf(cell, algorithm, loaded, policy);
  const start = initialState(policy, algorithm);

  const iteration = async (by: TrainablePolicy): Promise<Record<Stage, number>> => {
    const seconds = { rollout: 0, credit: 0, update: 0 };
    let last = performance.now();
    await trainIteration(start, { ...setup, policy: by }, (stage) => {
      const now = performance.now();
      seconds[stage] = (now - last) / 1000;
      last = now;
    });
    return seconds;
  };

  // The loop in PyTorch knows no heads and no KL penalty.
  const isPlain = algorithm.heads.length === 0 && (algorithm.objective.kl ?? 0) === 0;
  const record = policy.codec !== undefined && isPlain;
  const recording: Recording = { calls: [], updates: [] };
  if (record) await iteration(recorded(policy, recording));
  const config = cell.policy.options as unknown as TransformerConfig;
  // The embedding is what the other weights leave.
  const others = weightSpecs(config, 0).reduce((sum, spec) => sum + sizeOf(spec), 0);
  const vocabulary = (start.parameters.length - others) / config.modelSize;
  return {
    run: () => iteration(policy),
    ...(record ? { torch: { kind: 'iteration', config, vocabulary, microBatch: 16, ...recording } } : {}),
    dispose: () => policy.dispose(),
  };
}
