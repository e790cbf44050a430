import { mean, standardDeviation } from '../algorithms/group.ts';
import { findAlgorithm } from '../algorithms/registry.ts';
import type { RolloutTree } from '../algorithms/tree.ts';
import { InputError } from '../core/errors.ts';
import { createRandom, type Random, shuffled } from '../core/random.ts';
import type { LoadedEnvironment, Task } from '../envs/environment.ts';
import { findEnvironment } from '../envs/registry.ts';
import type { Policy, Sampling, TrainablePolicy } from '../policies/policy.ts';
import { adamState } from './adam.ts';
import type { Cell, CellContext, CellResult, Row } from './cell.ts';
import { rolloutCost } from './cost.ts';
import { rollout } from './engine.ts';
import { evaluate, score } from './evaluate.ts';
import { checkInputs } from './inputs.ts';
import type { TrainingOptions } from './training.ts';
import { type TrainingRow, trainingRows, type UpdateStatistics, update } from './update.ts';
import { startingPolicy } from './warm-start.ts';

/** Fills the caches that cells share (data, starting weights), so that parallel cells only read them. */
export async function prepareCell(cell: Cell, context: CellContext): Promise<void> {
  const { policy } = await load(cell, context);
  policy.dispose();
}

/**
 * Trains one cell from the shared starting point and returns its curves. Deterministic: the same cell gives the
 * same metrics, whatever runs beside it.
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
  const { policy } = await startingPolicy(cell, loaded, context);
  try {
    await checkInputs(cell);
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
  // Streams carry no algorithm's name: every algorithm meets the same questions and the same luck.
  const random = createRandom(cell.seed).split('train');
  const questionAt = questionStream(loaded.tasks.train, random.split('questions'));
  const dev = loaded.tasks.dev.slice(0, training.evaluationQuestions);
  const reference = policy.parameters();
  let adam = adamState(reference.length);
  const metrics: Row[] = [];
  const timings: Row[] = [];

  for (let iteration = 0; iteration <= training.iterations; iteration++) {
    context.onProgress?.({
      stage: `iteration ${iteration} of ${training.iterations}`,
      fraction: iteration / (training.iterations + 1),
    });
    const row: Record<string, number | null> = { iteration };
    const clock = stopwatch();
    if (iteration > 0) {
      const stream = random.split('iteration', iteration);
      const first = (iteration - 1) * training.questions;
      const tasks = Array.from({ length: training.questions }, (_, index) => questionAt(first + index));
      const trees = await rollout({
        environment: loaded.environment,
        policy,
        plan: (tree, draws) => algorithm.next(tree, options, draws),
        tasks,
        random: stream,
        sampling,
        ...signal,
      });
      clock.lap('rollout_seconds');
      const rows = trainingRows(trees, algorithm.credit(trees, options, stream.split('credit')));
      Object.assign(row, describeRollouts(trees, loaded, policy), describeCredit(trees, rows));
      clock.lap('credit_seconds');
      const withReference =
        (objective.kl ?? 0) > 0 ? await addReference(rows, policy, reference, sampling) : rows;
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
      adam = result.adam;
      Object.assign(row, describeUpdate(result.statistics));
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
      Object.assign(row, {
        dev_f1: scores.f1,
        dev_em: scores.em,
        dev_reward: scores.reward,
        dev_actions: scores.actions,
        ...Object.fromEntries(Object.entries(scores.measures).map(([name, value]) => [`dev_${name}`, value])),
      });
      clock.lap('evaluation_seconds');
    }
    metrics.push(row);
    timings.push({ iteration, ...clock.seconds });
  }
  return { metrics, timings, fingerprint: loaded.fingerprint };
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

function describeRollouts(trees: readonly RolloutTree[], loaded: LoadedEnvironment, policy: Policy): Row {
  const scores = score(trees, loaded);
  const cost = rolloutCost(trees, policy);
  const edges = trees.flatMap((tree) => tree.edges);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const entropy = sum(edges.map((edge) => sum(edge.entropies)));
  // Tokens that an action shares with another were drawn once.
  const drawn = sum(edges.map((edge) => sum(edge.entropies.slice(edge.shared?.tokens ?? 0))));
  return {
    train_f1: scores.f1,
    train_em: scores.em,
    train_reward: scores.reward,
    ...scores.measures,
    questions: trees.length,
    trajectories: cost.trajectories,
    rollout_actions: cost.actions,
    generated_tokens: cost.generatedTokens,
    prefill_tokens: cost.prefillTokens,
    prefill_tokens_shared: cost.prefillTokensShared,
    environment_calls: cost.environmentCalls,
    truncated: cost.truncated,
    cut_actions: cost.cutActions,
    cut_observations: cost.cutObservations,
    // Over one action's tokens entropies add up (chain rule).
    action_entropy: entropy / cost.actions,
    token_entropy: drawn / cost.generatedTokens,
  };
}

function describeCredit(trees: readonly RolloutTree[], rows: readonly TrainingRow[]): Row {
  const actions = new Map(rows.map((row) => [`${row.tree}/${row.edge}`, row]));
  const advantages = rows.flatMap((row) =>
    row.advantages.filter((_, token) => (row.weights?.[token] ?? 1) > 0),
  );
  const signal = new Set(rows.filter((row) => row.advantages.some((a) => a !== 0)).map((row) => row.tree));
  const some = advantages.length > 0;
  return {
    update_actions: actions.size,
    update_tokens: [...actions.values()].reduce((sum, row) => sum + trainedTokens(row), 0),
    dropped_actions: trees.reduce((sum, tree) => sum + tree.edges.length, 0) - actions.size,
    zero_signal_questions: trees.length - signal.size,
    advantage_mean: some ? mean(advantages) : null,
    advantage_std: some ? standardDeviation(advantages, 'population') : null,
    advantage_min: some ? advantages.reduce((a, b) => Math.min(a, b)) : null,
    advantage_max: some ? advantages.reduce((a, b) => Math.max(a, b)) : null,
  };
}

const trainedTokens = ({ record, weights }: TrainingRow): number =>
  weights?.filter((weight) => weight > 0).length ?? record.tokens.length;

function describeUpdate(statistics: UpdateStatistics): Row {
  return {
    optimizer_steps: statistics.steps,
    loss: statistics.loss,
    gradient_norm: statistics.gradientNorm,
    kl_k1: statistics.klK1,
    kl_k3: statistics.klK3,
    clip_fraction: statistics.clipFraction,
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
