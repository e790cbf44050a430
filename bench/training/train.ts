import { findAlgorithm } from '../../algorithms/registry.ts';
import { InputError } from '../../core/errors.ts';
import { createRandom, type Random, shuffled } from '../../core/random.ts';
import type { LoadedEnvironment, Task } from '../../envs/environment.ts';
import { findEnvironment } from '../../envs/registry.ts';
import type { Policy, Sampling, TrainablePolicy } from '../../policies/policy.ts';
import { type Cell, type CellContext, type CellResult, CHECKPOINT_SECONDS, type Row } from '../cell.ts';
import { declarationOf } from '../declaration.ts';
import { evaluate } from '../rollout/evaluate.ts';
import { expertOf } from '../rollout/forced.ts';
import { checkInputs } from '../runs/inputs.ts';
import { adamState } from './adam.ts';
import { collect } from './collect.ts';
import {
  describeCredit,
  describeEvaluation,
  describeHeads,
  describeRollouts,
  describeUpdate,
} from './describe.ts';
import { headStates, readHeads, trainHead } from './heads.ts';
import type { TrainingOptions } from './options.ts';
import { resumeTraining } from './resume.ts';
import { startingDigest } from './starting-point.ts';
import { writeState } from './state.ts';
import { type TrainingRow, trainingRows, update } from './update.ts';
import { startingPolicy } from './warm-start.ts';

/** Fills the caches that cells share (data, starting weights), so that parallel cells only read them. */
export async function prepareCell(cell: Cell, context: CellContext): Promise<void> {
  const { policy } = await load(cell, context);
  policy.dispose();
}

/**
 * Trains one cell from the shared starting point, or on from a checkpoint, and returns its curves. Deterministic: the
 * same cell gives the same metrics, whatever runs beside it and wherever it was interrupted.
 */
export async function runCell(cell: Cell, context: CellContext): Promise<CellResult> {
  const { loaded, policy } = await load(cell, context);
  try {
    return await train(cell, loaded, policy, context);
  } finally {
    policy.dispose();
  }
}

async function load(
  cell: Cell,
  context: CellContext,
): Promise<{ loaded: LoadedEnvironment; policy: TrainablePolicy }> {
  context.onProgress?.({ stage: 'loading', fraction: 0 });
  const loaded = await findEnvironment(cell.environment.id).load(cell.environment.options, context);
  for (const split of ['train', 'dev'] as const) {
    if (loaded.tasks[split].length === 0) {
      throw new InputError(
        `${loaded.environment.id}: the ${split} split has no questions, and training needs some`,
      );
    }
  }
  // What it cannot declare is told before anything is trained.
  declarationOf(loaded.environment);
  const { policy } = await startingPolicy(cell, loaded, context);
  try {
    await checkInputs(cell);
    context.onStartingPoint?.(startingDigest(loaded.fingerprint, policy.parameters()));
  } catch (error) {
    policy.dispose();
    throw error;
  }
  return { loaded, policy };
}

async function train(
  cell: Cell,
  loaded: LoadedEnvironment,
  policy: TrainablePolicy,
  context: CellContext,
): Promise<CellResult> {
  const { training } = cell;
  const algorithm = findAlgorithm(cell.algorithm.id);
  const { options } = cell.algorithm;
  const objective = algorithm.objective(options);
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  const sampling = samplingOf(training, policy);
  // Streams carry no algorithm's name: every algorithm meets the same questions and the same random numbers.
  const random = createRandom(cell.seed).split('train');
  // But for a control that compares an algorithm with itself.
  const noise = cell.noiseStream === undefined ? random : random.split('luck', cell.noiseStream);
  const questionAt = questionStream(loaded.tasks.train, random.split('questions'));
  const dev = loaded.tasks.dev.slice(0, training.evaluationQuestions);
  const reference = policy.parameters();
  const needs = algorithm.needs?.(options) ?? [];
  const wanted = algorithm.heads?.(options) ?? [];
  const resumed = await resumeTraining(context, policy, wanted, training.iterations, sampling);
  let heads = headStates(wanted).map((state, index) => ({ ...state, ...resumed?.heads[index] }));
  let adam = resumed?.adam ?? adamState(reference.length);
  /** Weights before the last update. */
  let previous = resumed?.previous;
  let asked = resumed?.asked ?? 0;
  const metrics: Row[] = [...(resumed?.metrics ?? [])];
  const timings: Row[] = [...(resumed?.timings ?? [])];
  const isDue = every(context.checkpointSeconds ?? CHECKPOINT_SECONDS);

  for (let iteration = (resumed?.iteration ?? -1) + 1; iteration <= training.iterations; iteration++) {
    context.onProgress?.({
      stage: `iteration ${iteration} of ${training.iterations}`,
      fraction: iteration / (training.iterations + 1),
    });
    const row: Record<string, number | null> = { iteration };
    const clock = stopwatch();
    if (iteration > 0) {
      const stream = noise.split('iteration', iteration);
      const collected = await collect({
        request: {
          environment: loaded.environment,
          policy,
          plan: (tree, draws) => algorithm.next(tree, options, draws),
          random: stream,
          sampling,
          measuring: { needs, weights: policy, reference, ...(previous === undefined ? {} : { previous }) },
          ...expertOf(loaded),
          ...signal,
        },
        questions: training.questions,
        nextTasks: (count) => Array.from({ length: count }, () => questionAt(asked++)),
        resampling: algorithm.resampling?.(options),
      });
      const sampled = collected.trees.slice(0, collected.used);
      const { trees, features } = await readHeads(sampled, heads, policy, sampling);
      clock.lap('rollout_seconds');
      const isWarmingUp = heads.some(({ head }) => iteration <= (head.warmup ?? 0));
      const rows = isWarmingUp
        ? []
        : trainingRows(trees, algorithm.credit(trees, options, stream.split('credit')));
      const all = [...trees, ...collected.trees.slice(collected.used)];
      Object.assign(row, describeRollouts(all, loaded, policy), describeCredit(all, rows), {
        questions_used: trees.length,
      });
      clock.lap('credit_seconds');
      const withReference =
        (objective.kl ?? 0) > 0 ? await addReference(rows, policy, reference, sampling) : rows;
      if (needs.includes('previous')) previous = policy.parameters();
      const result = await update({
        policy,
        objective,
        rows: withReference,
        questions: trees.length,
        adam,
        options: training,
        sampling,
        ...signal,
      });
      const trained = heads.map((state, which) => trainHead(state, trees, features[which]!));
      heads = trained.map(({ state }) => state);
      adam = result.adam;
      Object.assign(
        row,
        describeUpdate(result.statistics),
        describeHeads(trained.map(({ statistics }) => statistics)),
      );
      clock.lap('update_seconds');
    }
    if (iteration % training.evaluateEvery === 0 || iteration === training.iterations) {
      const scores = await evaluate({
        loaded,
        policy,
        tasks: dev,
        // Greedy episodes of one question are all alike.
        episodes: training.evaluationDecoding === 'greedy' ? 1 : training.evaluationEpisodes,
        decoding: training.evaluationDecoding,
        sampling,
        // The same draws at every evaluation, so that a curve moves only when the policy does.
        random: random.split('evaluation'),
        ...signal,
      });
      Object.assign(row, describeEvaluation(scores));
      clock.lap('evaluation_seconds');
    }
    metrics.push(row);
    timings.push({ iteration, ...clock.seconds });
    if (context.onCheckpoint !== undefined && iteration < training.iterations && isDue()) {
      await context.onCheckpoint(
        writeState({
          iteration,
          asked,
          parameters: policy.parameters(),
          prompts: policy.prompts?.(),
          previous,
          adam,
          heads,
          metrics,
          timings,
        }),
      );
    }
  }
  return {
    metrics,
    timings,
    fingerprint: loaded.fingerprint,
    declaration: declarationOf(loaded.environment),
  };
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

/** The training questions in a new order each time they have all been used. */
function questionStream(tasks: readonly Task[], random: Random): (position: number) => Task {
  const orders = new Map<number, readonly Task[]>();
  return (position) => {
    const epoch = Math.floor(position / tasks.length);
    const order = orders.get(epoch) ?? shuffled(tasks, random.split(epoch));
    orders.set(epoch, order);
    return order[position % tasks.length]!;
  };
}

/** Adds the log-probabilities of the trained actions under the starting weights. */
async function addReference(
  rows: readonly TrainingRow[],
  policy: TrainablePolicy,
  reference: ArrayLike<number>,
  sampling: Sampling,
): Promise<readonly TrainingRow[]> {
  const current = policy.parameters();
  policy.setParameters(reference);
  const logProbs = await policy.logProbs(
    rows.map((row) => row.record),
    sampling,
  );
  policy.setParameters(current);
  return rows.map((row, index) => ({ ...row, referenceLogProbs: logProbs[index]! }));
}

/** Whether so many seconds have passed since it last said so, or began. */
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
