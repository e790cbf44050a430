import { type ConfiguredAlgorithm, configured } from '../../algorithms/configured.ts';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import type { LoadedEnvironment } from '../../envs/environment.ts';
import type { AnyEnvironmentSpec } from '../../envs/spec.ts';
import {
  isServed,
  type Policy,
  type Sampling,
  type ServedPolicy,
  type TrainablePolicy,
} from '../../policies/policy.ts';
import { type AnyPolicySpec, checkTrains, trainingPlace } from '../../policies/spec.ts';
import { type Catalog, nameOfChoice } from '../catalog/catalog.ts';
import { loadEnvironment } from '../catalog/load-environment.ts';
import {
  type Cell,
  type CellContext,
  type CellResult,
  CHECKPOINT_SECONDS,
  type Choice,
  type Row,
} from '../cell.ts';
import { NO_SECONDS, NOTHING_SPENT } from '../columns.ts';
import { declarationOf } from '../declaration.ts';
import { evaluate } from '../rollout/evaluate.ts';
import { expertOf } from '../rollout/forced.ts';
import { describeEvaluation, describeIteration } from './describe.ts';
import { withoutFeatures } from './heads.ts';
import { checkInputs } from './inputs.ts';
import {
  initialState,
  servedState,
  type TrainingSetup,
  type TrainingState,
  trainIteration,
} from './iteration.ts';
import type { Place, Places } from './learners/learner.ts';
import type { TrainingOptions } from './options.ts';
import { type ResumedTraining, resumeTraining } from './resume.ts';
import { startingDigest } from './starting-point.ts';
import { writeState } from './state.ts';
import { startingPolicy, trainableStart } from './warm-start.ts';

/** Fills the caches that cells share (data, starting weights), so that parallel cells only read them. */
export async function prepareCell(cell: Cell, catalog: Catalog, context: CellContext): Promise<void> {
  const { policy } = await load(cell, catalog, context);
  await free(policy);
}

/**
 * Trains one cell from the shared starting point, or on from a checkpoint, and returns its curves. Deterministic: the
 * same cell gives the same metrics, whatever runs beside it and wherever it was interrupted.
 * @throws ZodError if an option of the cell is not valid; InputError if its parts do not fit together or a file that it
 *   names cannot be read; the signal's reason when it is aborted.
 */
export async function runCell(cell: Cell, catalog: Catalog, context: CellContext): Promise<CellResult> {
  const { loaded, policy, algorithm } = await load(cell, catalog, context);
  try {
    if (isServed(policy)) {
      return await train<'server'>(cell, algorithm, loaded, policy, servedState(policy), context);
    }
    return await train<'local'>(cell, algorithm, loaded, policy, initialState(policy, algorithm), context);
  } finally {
    await free(policy);
  }
}

/** A server has something to free as well. */
async function free(policy: TrainablePolicy | ServedPolicy): Promise<void> {
  if (isServed(policy)) await policy.close();
  else policy.dispose();
}

/**
 * Checks that a cell's policy learns, and can learn by its algorithm. Needs nothing but the catalog.
 * @throws InputError when the policy only acts, or the algorithm has heads and the policy no features.
 */
export function checkLearns(cell: Pick<Cell, 'policy' | 'algorithm'>, catalog: Catalog): ConfiguredAlgorithm {
  const spec = catalog.policy(nameOfChoice(cell.policy));
  checkTrains(spec);
  const algorithm = configured(catalog.algorithm(nameOfChoice(cell.algorithm)), cell.algorithm.options);
  const [head] = algorithm.heads;
  if (head !== undefined && trainingPlace(spec) === 'server') {
    throw new InputError(withoutFeatures(spec.id, `algorithm ${cell.algorithm.id}: its ${head.name}`));
  }
  return algorithm;
}

async function load(
  given: Cell,
  catalog: Catalog,
  context: CellContext,
): Promise<{
  loaded: LoadedEnvironment;
  policy: TrainablePolicy | ServedPolicy;
  algorithm: ConfiguredAlgorithm;
}> {
  context.onProgress?.({ stage: 'loading', fraction: 0 });
  const algorithm = checkLearns(given, catalog);
  const spec = catalog.environment(nameOfChoice(given.environment));
  const cell = {
    ...given,
    environment: completed(given.environment, spec),
    policy: completed(given.policy, catalog.policy(nameOfChoice(given.policy))),
  };
  const loaded = await loadEnvironment(spec, cell.environment.options, context);
  for (const split of ['train', 'dev'] as const) {
    if (loaded.tasks[split].length === 0) {
      throw new InputError(
        `${loaded.environment.id}: the ${split} split has no questions, and training needs some`,
      );
    }
  }
  // A wrong declaration is refused before anything is trained.
  declarationOf(loaded.environment);
  const policy = await learningPolicy(cell, catalog, loaded, context);
  try {
    await checkInputs(cell, catalog);
    const isRemote = isServed(policy);
    if (isRemote) policy.checkSampling(samplingOf(cell.training, policy));
    for (const notice of isRemote ? policy.notices : []) context.onNotice?.(notice);
    context.onStartingPoint?.(startingDigest(loaded.fingerprint, isRemote ? [] : policy.parameters()));
  } catch (error) {
    await free(policy);
    throw error;
  }
  return { loaded, policy, algorithm };
}

async function learningPolicy(
  ...start: Parameters<typeof startingPolicy>
): Promise<TrainablePolicy | ServedPolicy> {
  const [cell, catalog] = start;
  const spec = catalog.policy(nameOfChoice(cell.policy));
  if (trainingPlace(spec) !== 'server') return (await trainableStart(...start)).policy;
  const { policy } = await startingPolicy(...start);
  if (isServed(policy)) return policy;
  policy.dispose();
  throw new InputError(
    `policy ${policy.id} says that a server trains it, and has no step, save and load; valid: a ServedPolicy`,
  );
}

/** A choice with its options completed: those of suites are complete, those of cells made by hand may not be. */
const completed = (choice: Choice, { schema }: AnyEnvironmentSpec | AnyPolicySpec): Choice => ({
  ...choice,
  options: schema.parse(choice.options),
});

async function train<At extends Place>(
  cell: Cell,
  algorithm: ConfiguredAlgorithm,
  loaded: LoadedEnvironment,
  policy: Places[At]['policy'],
  start: TrainingState<At>,
  context: CellContext,
): Promise<CellResult> {
  const { training } = cell;
  const setup = setupOf<At>(cell, algorithm, loaded, policy, context.signal);
  const resumed = await held(policy, resumeTraining(context, start, training.iterations), context);
  let state = resumed?.state ?? start;
  const metrics: Row[] = [...(resumed?.metrics ?? [])];
  const timings: Row[] = [...(resumed?.timings ?? [])];
  const isDue = every(context.checkpointSeconds ?? CHECKPOINT_SECONDS);
  // What is written of a server's weights is where they are; it takes no time, and the server may go at any time.
  const isRemote = isServed(policy);

  for (let iteration = metrics.length; iteration <= training.iterations; iteration++) {
    context.onProgress?.({
      stage: `iteration ${iteration} of ${training.iterations}`,
      fraction: iteration / (training.iterations + 1),
    });
    const row: Record<string, number | null> = { iteration, ...(iteration === 0 ? NOTHING_SPENT : {}) };
    const clock = stopwatch();
    if (iteration > 0) {
      const trained = await trainIteration(state, setup, (stage) => clock.lap(`${stage}_seconds`));
      state = trained.state;
      Object.assign(row, describeIteration(trained, loaded, policy));
      if (iteration === training.iterations) {
        const { trees, used, rows } = trained;
        context.onLastTrees?.({ trees: trees.slice(0, used), rows, codec: policy.codec });
      }
    }
    if (iteration % training.evaluateEvery === 0 || iteration === training.iterations) {
      Object.assign(row, await evaluation(loaded, setup));
      clock.lap('evaluation_seconds');
    }
    metrics.push(row);
    timings.push({ iteration, ...(iteration === 0 ? NO_SECONDS : {}), ...clock.seconds });
    if (context.onCheckpoint !== undefined && iteration < training.iterations && (isRemote || isDue())) {
      await context.onCheckpoint(writeState(withRows(state, metrics, timings)));
    }
  }
  return {
    metrics,
    timings,
    // A user's own world is its code, too: results of an edited one are not of the same environment.
    fingerprint: [loaded.fingerprint, cell.environment.code?.sha256].filter(Boolean).join(' '),
    declaration: declarationOf(loaded.environment),
  };
}

const withRows = (
  state: TrainingState<Place>,
  metrics: readonly Row[],
  timings: readonly Row[],
): Parameters<typeof writeState>[0] =>
  'saved' in state
    ? { ...(state as TrainingState<'server'>), metrics, timings }
    : { ...(state as TrainingState), metrics, timings };

/** A training to go on from, if a server still has its weights. */
async function held<At extends Place>(
  policy: Places[At]['policy'],
  resumed: ResumedTraining<At> | undefined,
  { onNotice }: CellContext,
): Promise<ResumedTraining<At> | undefined> {
  if (resumed === undefined || !isServed(policy)) return resumed;
  try {
    await policy.load((resumed as ResumedTraining<'server'>).state.saved);
    return resumed;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    onNotice?.(`its checkpoint cannot be used (${error.message}); it starts again`);
    return undefined;
  }
}

/** What a cell trains with. No algorithm's name is in the streams: all meet the same questions and random numbers. */
export function setupOf<At extends Place = 'local'>(
  { training, seed, noiseStream }: Cell,
  algorithm: ConfiguredAlgorithm,
  loaded: LoadedEnvironment,
  policy: Places[At]['policy'],
  signal?: AbortSignal,
): TrainingSetup<At> {
  const random = createRandom(seed).split('train');
  return {
    environment: loaded.environment,
    ...expertOf(loaded),
    tasks: loaded.tasks.train,
    policy,
    algorithm,
    options: training,
    sampling: samplingOf(training, policy),
    reference: isServed(policy) ? policy.start : policy.parameters(),
    random,
    ...(noiseStream === undefined ? {} : { noise: random.split('luck', noiseStream) }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Scores on the dev questions, as columns. The same draws each time, so that a curve moves only if the policy does. */
async function evaluation(
  loaded: LoadedEnvironment,
  { policy, options, sampling, random, signal }: TrainingSetup<Place>,
): Promise<Row> {
  const scores = await evaluate({
    loaded,
    policy,
    tasks: loaded.tasks.dev.slice(0, options.evaluationQuestions),
    // Greedy episodes of one question are all alike.
    episodes: options.evaluationDecoding === 'greedy' ? 1 : options.evaluationEpisodes,
    decoding: options.evaluationDecoding,
    sampling,
    random: random.split('evaluation'),
    ...(signal === undefined ? {} : { signal }),
  });
  return describeEvaluation(scores);
}

/**
 * The distribution that a cell samples from and trains.
 * @throws InputError when a nucleus is asked of a policy that chooses from lists.
 */
export function samplingOf({ temperature, topP }: TrainingOptions, policy: Policy): Sampling {
  if (topP === 1) return { temperature };
  if (policy.codec === undefined) {
    throw new InputError(
      `training.topP is ${topP}, but policy ${policy.id} chooses from lists of actions; valid: 1`,
    );
  }
  return { temperature, topP };
}

/** A function that is true at most once in so many seconds, counted from now. */
function every(seconds: number): () => boolean {
  let last = performance.now();
  return () => {
    const isDue = performance.now() - last >= seconds * 1000;
    if (isDue) last = performance.now();
    return isDue;
  };
}

function stopwatch(): { readonly seconds: Record<string, number>; lap(name: string): void } {
  const seconds: Record<string, number> = {};
  let last = performance.now();
  return {
    seconds,
    lap: (name) => {
      const now = performance.now();
      seconds[name] = (now - last) / 1000;
      last = now;
    },
  };
}
