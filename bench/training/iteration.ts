import type { ConfiguredAlgorithm } from '../../algorithms/configured.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { type Random, shuffled } from '../../core/random.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import type { Prompt, Sampling, TrainablePolicy } from '../../policies/policy.ts';
import type { Expert } from '../rollout/forced.ts';
import { logProbsUnder } from '../rollout/needs.ts';
import { type AdamState, adamState } from './adam.ts';
import { collect } from './collect.ts';
import { type HeadState, type HeadStatistics, headStates, readHeads, trainHead } from './heads.ts';
import type { TrainingOptions } from './options.ts';
import { type TrainingRow, trainingRows, type UpdateStatistics, update } from './update.ts';

/** What stays the same from iteration to iteration. */
export interface TrainingSetup {
  readonly environment: AnyEnvironment;
  /** The expert, for methods whose rollouts begin with its actions. */
  readonly expert?: Expert;
  /** The training questions: each is used once, in an order of its own, before any is used again. */
  readonly tasks: readonly Task[];
  /** Holds the weights; every iteration begins by setting those of its state. */
  readonly policy: TrainablePolicy;
  readonly algorithm: ConfiguredAlgorithm;
  readonly options: TrainingOptions;
  readonly sampling: Sampling;
  /** The starting weights: the reference of a KL penalty and of the measurement 'reference'. */
  readonly reference: ArrayLike<number>;
  /** Common to all algorithms of a seed: decides the order of the questions. */
  readonly random: Random;
  /** Rollouts and credit draw from it, split by iteration. Default: `random`. */
  readonly noise?: Random;
  readonly signal?: AbortSignal;
}

/** What one iteration leaves to the next. Random streams are named by iteration and leave nothing. */
export interface TrainingState {
  /** The last iteration that is done; 0 before training. */
  readonly iteration: number;
  /** Training questions used so far. */
  readonly asked: number;
  readonly parameters: Float32Array | Float64Array;
  /** The prompts that the policy has met, if the order of its parameters is theirs. */
  readonly prompts: readonly Prompt[] | undefined;
  /** Weights before the last update, if the algorithm needs them. */
  readonly previous: Float32Array | Float64Array | undefined;
  readonly adam: AdamState;
  /** One per head of the algorithm, in its order. */
  readonly heads: readonly HeadState[];
}

/** What an iteration did, for whoever describes it. */
export interface TrainedIteration {
  readonly state: TrainingState;
  /** All trees that were grown, those that are used first, with the outputs of the heads. */
  readonly trees: readonly RolloutTree[];
  /** How many of them are used. */
  readonly used: number;
  readonly rows: readonly TrainingRow[];
  readonly update: UpdateStatistics;
  readonly heads: readonly HeadStatistics[];
  /** Tokens read under the starting weights for a KL penalty. */
  readonly referenceTokens: number;
}

/** The stages of an iteration, in their order. */
export type Stage = 'rollout' | 'credit' | 'update';

/** Before training: the policy's weights as they are. */
export function initialState(policy: TrainablePolicy, algorithm: ConfiguredAlgorithm): TrainingState {
  const parameters = policy.parameters();
  return {
    iteration: 0,
    asked: 0,
    parameters,
    prompts: policy.prompts?.(),
    previous: undefined,
    adam: adamState(parameters.length),
    heads: headStates(algorithm.heads),
  };
}

/**
 * One training iteration: questions, rollouts, what the heads say of them, credit, update. A function of its state and
 * setup: equal ones give equal results, so that resuming is calling it again.
 * @param onStage called as each stage ends.
 * @throws RangeError when the algorithm's plan asks for no rollout at all; the signal's reason when it is aborted.
 */
export async function trainIteration(
  state: TrainingState,
  setup: TrainingSetup,
  onStage: (stage: Stage) => void = () => {},
): Promise<TrainedIteration> {
  const { algorithm, policy, options, sampling, reference, noise = setup.random } = setup;
  const signal = setup.signal === undefined ? {} : { signal: setup.signal };
  const iteration = state.iteration + 1;
  const stream = noise.split('iteration', iteration);
  let { asked } = state;
  await holdWeights(policy, state, sampling);

  const previous = state.previous === undefined ? {} : { previous: state.previous };
  const sampled = await collect({
    request: {
      environment: setup.environment,
      policy,
      plan: algorithm.next,
      random: stream,
      sampling,
      measuring: { needs: algorithm.needs, weights: policy, reference, ...previous },
      ...(setup.expert === undefined ? {} : { expert: setup.expert }),
      ...signal,
    },
    questions: options.questions,
    nextTasks: (count) => {
      asked += count;
      return questionsFrom(setup, asked - count, count);
    },
    resampling: algorithm.resampling,
  });
  if (sampled.trees.every(({ edges }) => edges.length === 0)) {
    throw new RangeError(
      `rollout plan: next answers [] for every question's empty tree, so that nothing is sampled in iteration ${iteration}; valid: at least one rollout, [{ node: 0 }]`,
    );
  }
  const usedTrees = sampled.trees.slice(0, sampled.used);
  const { trees, features } = await readHeads(usedTrees, state.heads, policy, sampling);
  onStage('rollout');

  const isWarmingUp = algorithm.heads.some((head) => iteration <= (head.warmup ?? 0));
  const credit = isWarmingUp ? { actions: [] } : algorithm.credit(trees, stream.split('credit'));
  const rows = trainingRows(trees, credit);
  onStage('credit');

  const held = (algorithm.objective.kl ?? 0) > 0 ? await withReference(rows, setup) : { rows, tokens: 0 };
  const before = algorithm.needs.includes('previous') ? policy.parameters() : undefined;
  const { objective } = algorithm;
  const updated = await update({
    ...{ policy, objective, rows: held.rows, questions: trees.length, adam: state.adam, options, sampling },
    ...signal,
  });
  const heads = state.heads.map((head, index) => trainHead(head, trees, features[index]!));
  onStage('update');

  return {
    state: {
      iteration,
      asked,
      parameters: policy.parameters(),
      prompts: policy.prompts?.(),
      previous: before,
      adam: updated.adam,
      heads: heads.map((head) => head.state),
    },
    trees: [...trees, ...sampled.trees.slice(sampled.used)],
    used: sampled.used,
    rows,
    update: updated.statistics,
    heads: heads.map((head) => head.statistics),
    referenceTokens: held.tokens,
  };
}

/** Brings a policy to the weights of a state. A fresh table first meets its prompts, in the order they have there. */
async function holdWeights(policy: TrainablePolicy, state: TrainingState, sampling: Sampling): Promise<void> {
  const { prompts, parameters } = state;
  if (prompts !== undefined && policy.prompts!().length < prompts.length) {
    await policy.distributions(prompts, sampling);
  }
  policy.setParameters(parameters);
}

/** The training questions from a position on, in a new order each time they have all been used. */
function questionsFrom(
  { tasks, random }: Pick<TrainingSetup, 'tasks' | 'random'>,
  position: number,
  count: number,
): readonly Task[] {
  const stream = random.split('questions');
  const questions: Task[] = [];
  while (questions.length < count) {
    const at = position + questions.length;
    const order = shuffled(tasks, stream.split(Math.floor(at / tasks.length)));
    questions.push(...order.slice(at % tasks.length, (at % tasks.length) + count - questions.length));
  }
  return questions;
}

/** Adds the log-probabilities of the trained actions under the starting weights, and counts what that reads. */
async function withReference(
  rows: readonly TrainingRow[],
  { policy, reference, sampling }: TrainingSetup,
): Promise<{ readonly rows: readonly TrainingRow[]; readonly tokens: number }> {
  const records = rows.map((row) => row.record);
  const logProbs = await logProbsUnder(policy, reference, records, sampling);
  return {
    rows: rows.map((row, index) => ({ ...row, referenceLogProbs: logProbs[index]! })),
    tokens: records.reduce(
      (sum, { prompt, tokens }) => sum + policy.promptTokens(prompt).length + tokens.length,
      0,
    ),
  };
}
