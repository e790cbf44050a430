import { carl } from '../../algorithms/carl/index.ts';
import { configured } from '../../algorithms/configured.ts';
import { InputError } from '../../core/errors.ts';
import { createRandom, shuffled } from '../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import type { LoadedEnvironment } from '../../envs/environment.ts';
import { type OwnedPolicy, trainable } from '../../policies/policy.ts';
import { checkTrains } from '../../policies/spec.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { type Catalog, choose } from '../catalog/catalog.ts';
import { loadEnvironment } from '../catalog/load-environment.ts';
import type { CellContext } from '../cell.ts';
import { trainingSchema, warmStartSchema } from '../training/options.ts';
import { startingPolicy } from '../training/warm-start.ts';
import { earlyActionAblation } from './ablation.ts';
import { correlatedSampling, type EdgeRow } from './correlated.ts';
import { measureStates, visitedStates } from './measure.ts';
import { exactEnvironment } from './outcomes.ts';
import {
  ablationTables,
  type CriticalityTables,
  correlatedTables,
  stateTables,
  trainingTables,
} from './tables.ts';
import { criticalityTrack, trainWith } from './training.ts';

/**
 * What `runCriticality` measures. Names are those of the catalog; they mean their default options.
 * @experimental
 */
export interface CriticalitySettings {
  /** An environment whose states can be enumerated. */
  readonly environment: string;
  /** A policy, at its warm start if the environment has demonstrations. */
  readonly policy: string;
  readonly backend: string;
  readonly split: 'train' | 'dev' | 'test';
  /** Questions of the split, drawn with the seed; undefined: 70 as in the paper, or all where there are fewer. */
  readonly questions?: number;
  /** K, actions sampled per state, 2 or more; 0: only exact values. */
  readonly samples: number;
  /** Criticality above this is high: 0 to half the distance of lowest and highest return. */
  readonly threshold: number;
  /** Trajectories, sampled actions, the halves, the bootstrap; and the training of the checks. */
  readonly seed: number;
  /** Check (a): criticality and its prediction along a training. */
  readonly training: boolean;
  /** What check (a) trains with, by its name in the catalog. */
  readonly algorithm: string;
  /** Its options, as far as they differ from the defaults. */
  readonly options: object;
  /** Check (b): early actions that were not forked, filtered or kept. */
  readonly ablation: boolean;
  /** Check (c): siblings on a shared random stream, on stop-or-search. */
  readonly correlated: boolean;
  /** Iterations of every training of the checks. */
  readonly iterations: number;
  /** Training seeds of the ablation: seed, seed + 1, … */
  readonly seeds: number;
  /** Actions at a depth below this are early. */
  readonly early: number;
}

const QUESTIONS = 70;
/** Trained policies are measured this many times, evenly, and at the start. */
const POINTS = 5;

/**
 * The criticality experiments of the CARL paper (arXiv 2512.04949, Fig. 2) and three checks of what they mean.
 * Deterministic: the same settings give the same tables.
 * @throws InputError when a setting does not fit the environment or the policy.
 * @experimental
 */
export async function runCriticality(
  settings: CriticalitySettings,
  catalog: Catalog,
  context: CellContext,
): Promise<CriticalityTables> {
  const { samples, threshold } = settings;
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  context.onProgress?.({ stage: 'loading', fraction: 0 });
  if (settings.training || settings.ablation) checkTrains(catalog.policy(settings.policy));
  const spec = catalog.environment(settings.environment);
  const loaded = await loadEnvironment(spec, spec.schema.parse({}), context);
  const environment = exactEnvironment(loaded.environment);
  const tasks = chooseTasks(settings, loaded);
  checkSettings(settings, loaded);
  const policy = await loadPolicy(settings, catalog, loaded, context);
  try {
    const random = createRandom(settings.seed).split('criticality');
    const request = { environment, policy, sampling: { temperature: 1 }, ...signal };
    context.onProgress?.({ stage: 'measuring states', fraction: 0.2 });
    const visited = await visitedStates({
      ...request,
      tasks,
      trajectories: 1,
      random: random.split('visited'),
    });
    const states = await measureStates({
      ...request,
      states: visited,
      samples,
      random: random.split('samples'),
    });
    const rewardRange = environment.rewardRange;
    let tables = stateTables({ states, samples, threshold, rewardRange, random: random.split('statistics') });
    const options = trainingSchema.parse({ iterations: settings.iterations });
    if (settings.training) {
      const learner = trainable(policy);
      const start = learner.parameters();
      const track = criticalityTrack({
        ...request,
        policy: learner,
        tasks,
        temperature: 1,
        threshold,
        early: settings.early,
        every: Math.max(1, Math.floor(settings.iterations / POINTS)),
        random: random.split('along training'),
      });
      await trainWith({
        ...request,
        policy: learner,
        loaded,
        algorithm: configured(catalog.algorithm(settings.algorithm), settings.options),
        options,
        seed: settings.seed,
        onIteration: (iteration) => {
          context.onProgress?.({
            stage: `training, iteration ${iteration} of ${settings.iterations}`,
            fraction: 0.3 + (0.2 * iteration) / settings.iterations,
          });
          return track.measure(iteration);
        },
      });
      learner.setParameters(start);
      tables = { ...tables, ...trainingTables(track.points) };
    }
    if (settings.ablation) {
      const result = await earlyActionAblation({
        loaded,
        policy: trainable(policy),
        options,
        seeds: Array.from({ length: settings.seeds }, (_, index) => settings.seed + index),
        early: settings.early,
        ...signal,
        onRun: (done, total) =>
          context.onProgress?.({
            stage: `ablation ${done} of ${total}`,
            fraction: 0.5 + (0.4 * done) / total,
          }),
      });
      tables = { ...tables, ...ablationTables(result) };
    }
    if (settings.correlated) {
      context.onProgress?.({ stage: 'correlated siblings', fraction: 0.9 });
      tables = { ...tables, ...correlatedTables(await correlatedCases(settings.seed, context.signal)) };
    }
    return tables;
  } finally {
    policy.dispose();
  }
}

/** @throws InputError when no criticality can be above the threshold. */
export function checkThreshold(threshold: number, loaded: LoadedEnvironment): void {
  const [lowest, highest] = loaded.environment.rewardRange;
  const most = (highest - lowest) / 2;
  if (!(threshold >= 0 && threshold < most)) {
    throw new InputError(
      `--threshold: ${threshold} is not valid; valid: number from 0 to below ${most}, the greatest criticality that returns of ${loaded.environment.id} can have`,
    );
  }
}

function checkSettings({ threshold, samples, ...settings }: CriticalitySettings, loaded: LoadedEnvironment) {
  checkThreshold(threshold, loaded);
  if (samples === 1)
    throw new InputError('--samples: 1 is not valid; valid: 0 (exact values only), or 2 to 10000');
  if (settings.policy === 'tabular' && (settings.training || settings.ablation)) {
    throw new InputError(
      `--policy: 'tabular' is not valid with --training and --ablation, it learns nothing about held-out questions; valid: transformer`,
    );
  }
  if (settings.training && settings.split === 'train') {
    throw new InputError(
      `--split: 'train' is not valid with --training, which measures held-out questions; valid: dev, test`,
    );
  }
}

/** The questions of a split that are measured. @throws InputError when there are not so many. */
export function chooseTasks(
  { split, questions, seed }: Pick<CriticalitySettings, 'split' | 'questions' | 'seed'>,
  loaded: LoadedEnvironment,
) {
  const all = loaded.tasks[split];
  if (questions !== undefined && !(questions >= 1 && questions <= all.length)) {
    throw new InputError(
      `--questions: ${questions} is not valid; valid: whole number from 1 to ${all.length}, the ${split} questions of ${loaded.environment.id}`,
    );
  }
  const order = shuffled(all, createRandom(seed).split('criticality', 'questions'));
  return order.slice(0, questions ?? QUESTIONS);
}

async function loadPolicy(
  settings: CriticalitySettings,
  catalog: Catalog,
  loaded: LoadedEnvironment,
  context: CellContext,
): Promise<OwnedPolicy> {
  // A table knows nothing of states that no demonstration met: it stays uniform.
  const learns = loaded.demonstrate !== undefined && catalog.policy(settings.policy).restorable;
  const start = {
    environment: choose(catalog, 'environment', settings.environment),
    policy: choose(catalog, 'policy', settings.policy),
    warmStart: warmStartSchema.parse(learns ? {} : { steps: 0 }),
    backend: settings.backend,
  };
  return (await startingPolicy(start, catalog, loaded, context)).policy;
}

/** Trees per correlation where enumeration is out of reach: standard errors of slopes near 0.01. */
const TREES = 500;

/**
 * Check (c) on stop-or-search with logits 0.4 for searching and -0.6 for A: one fork exactly, and the paper's
 * sizes by Monte Carlo; forks chosen by surprisal as published, and by exact entropy.
 */
async function correlatedCases(seed: number, signal: AbortSignal | undefined) {
  const policy = createTabularPolicy({
    initial: ({ text }, action) => (text === 'start' ? [0, 0.4] : [-0.6, 0])[action]!,
  });
  const environment = stopOrSearch();
  const cases = [];
  for (const entropy of ['surprisal', 'exact'] as const) {
    for (const { initial, forks, trees } of [
      { initial: 1, forks: 1, trees: 'exact' },
      { initial: 1, forks: 16, trees: TREES },
      { initial: 8, forks: 16, trees: TREES },
    ] as const) {
      const rows: readonly EdgeRow[] = await correlatedSampling({
        environment,
        task: STOP_OR_SEARCH_TASK,
        policy,
        algorithm: configured(carl, { initial, forks, entropy }),
        sampling: { temperature: 1 },
        rhos: [0, 0.25, 0.5, 0.75, 1],
        trees,
        random: createRandom(seed).split('correlated', entropy, initial, forks),
        ...(signal === undefined ? {} : { signal }),
      });
      cases.push({ environment: environment.id, initial, forks, entropy, trees, rows });
    }
  }
  return cases;
}
