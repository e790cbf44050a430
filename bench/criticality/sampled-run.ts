import { createRandom } from '../../core/random.ts';
import { type Catalog, nameOfChoice } from '../catalog/catalog.ts';
import { loadEnvironment } from '../catalog/load-environment.ts';
import type { CellContext } from '../cell.ts';
import type { SuiteEnvironment } from '../suites/suite.ts';
import { samplingOf } from '../training/train.ts';
import { startingPolicy } from '../training/warm-start.ts';
import { type CriticalitySettings, checkThreshold, chooseTasks } from './run.ts';
import { sampledStates } from './sampled.ts';
import { sampledTables } from './sampled-tables.ts';
import type { CriticalityTables } from './tables.ts';

/** What `runSampledCriticality` measures. */
export interface SampledSettings
  extends Pick<CriticalitySettings, 'split' | 'questions' | 'threshold' | 'seed' | 'samples'> {
  /** An environment, and the policy in it. */
  readonly start: {
    readonly environment: SuiteEnvironment;
    readonly catalog: Catalog;
    readonly backend: string;
  };
}

/**
 * Criticality where nothing can be enumerated: actions are text, written by a small transformer or by a language model
 * behind a server. At temperature and nucleus of the suite.
 * @throws InputError when a setting does not fit the environment or the policy.
 */
export async function runSampledCriticality(
  settings: SampledSettings,
  context: CellContext,
): Promise<CriticalityTables> {
  const { start, samples, threshold, seed } = settings;
  const { environment, catalog, backend } = start;
  context.onProgress?.({ stage: 'loading', fraction: 0 });
  const loaded = await loadEnvironment(
    catalog.environment(nameOfChoice(environment)),
    environment.options,
    context,
  );
  const tasks = chooseTasks(settings, loaded);
  checkThreshold(threshold, loaded);
  const { policy } = await startingPolicy({ ...environment, environment, backend }, catalog, loaded, context);
  for (const note of policy.notes ?? []) context.onNotice?.(note);
  try {
    const random = createRandom(seed).split('criticality');
    const states = await sampledStates({
      environment: loaded.environment,
      policy,
      sampling: samplingOf(environment.training, policy),
      tasks,
      samples,
      random,
      ...(context.signal === undefined ? {} : { signal: context.signal }),
      onProgress: (done, total) =>
        context.onProgress?.({ stage: `rollout ${done} of ${total}`, fraction: done / total }),
    });
    return sampledTables({
      states,
      entropies: policy.entropies,
      threshold,
      rewardRange: loaded.environment.rewardRange,
      random: random.split('statistics'),
    });
  } finally {
    policy.dispose();
  }
}
