import type { ConfiguredAlgorithm } from '../../algorithms/configured.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { type Random, shuffled } from '../../core/random.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import type { Sampling, ServedPolicy, TrainablePolicy } from '../../policies/policy.ts';
import type { Expert } from '../rollout/forced.ts';
import { logProbsUnder } from '../rollout/needs.ts';
import { collect } from './collect.ts';
import { type HeadState, type HeadStatistics, headStates, readHeads, trainHead } from './heads.ts';
import { adamState } from './learners/adam.ts';
import type { Place, Places } from './learners/learner.ts';
import { learnerOf } from './learners/learner-of.ts';
import type { TrainingOptions } from './options.ts';
import { type TrainingRow, trainingRows, type UpdateStatistics, update } from './update.ts';

/** What stays the same from iteration to iteration, of a policy that learns here or on a server. */
export interface TrainingSetup<At extends Place = 'local'> {
  readonly environment: AnyEnvironment;
  /** The expert, for methods whose rollouts begin with its actions. */
  readonly expert?: Expert;
  /** The training questions: each is used once, in an order of its own, before any is used again. */
  readonly tasks: readonly Task[];
  /** Holds the weights; every iteration begins by setting those of its state. */
  readonly policy: Places[At]['policy'];
  readonly algorithm: ConfiguredAlgorithm;
  readonly options: TrainingOptions;
  readonly sampling: Sampling;
  /** The starting weights: the reference of a KL penalty and of the measurement 'reference'. */
  readonly reference: Places[At]['reference'];
  /** Common to all algorithms of a seed: decides the order of the questions. */
  readonly random: Random;
  /** Rollouts and credit draw from it, split by iteration. Default: `random`. */
  readonly noise?: Random;
  readonly signal?: AbortSignal;
}

/** What one iteration leaves to the next: the weights, and this. Random streams are named by iteration and leave nothing. */
export interface TrainingProgress<At extends Place = 'local'> {
  /** The last iteration that is done; 0 before training. */
  readonly iteration: number;
  /** Training questions used so far. */
  readonly asked: number;
  /** Weights before the last update, if the algorithm needs them. */
  readonly previous: Places[At]['reference'] | undefined;
  /** One per head of the algorithm, in its order. */
  readonly heads: readonly HeadState[];
}

export type TrainingState<At extends Place = 'local'> = TrainingProgress<At> & Places[At]['weights'];

/** What an iteration did, for whoever describes it. */
export interface TrainedIteration<At extends Place = 'local'> {
  readonly state: TrainingState<At>;
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

/** Before training on a server: the weights that it makes from the policy's options. */
export function servedState({ start }: ServedPolicy): TrainingState<'server'> {
  return { iteration: 0, asked: 0, previous: undefined, heads: [], saved: start, steps: 0 };
}

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
export async function trainIteration<At extends Place = 'local'>(
  state: TrainingState<At>,
  setup: TrainingSetup<At>,
  onStage: (stage: Stage) => void = () => {},
): Promise<TrainedIteration<At>> {
  const { algorithm, policy, options, sampling, reference, noise = setup.random } = setup;
  const signal = setup.signal === undefined ? {} : { signal: setup.signal };
  const iteration = state.iteration + 1;
  const stream = noise.split('iteration', iteration);
  let { asked } = state;
  const learner = learnerOf<At>(policy);
  await learner.hold(state, sampling);

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
  const before = algorithm.needs.includes('previous') ? learner.reference() : undefined;
  const optimizer = learner.optimizer(state);
  const { objective } = algorithm;
  const updated = await update({
    ...{ optimizer, objective, rows: held.rows, questions: trees.length, options, sampling },
    ...signal,
  });
  const heads = state.heads.map((head, index) => trainHead(head, trees, features[index]!));
  onStage('update');

  return {
    state: {
      iteration,
      asked,
      previous: before,
      heads: heads.map((head) => head.state),
      ...(await learner.weights(optimizer)),
    },
    trees: [...trees, ...sampled.trees.slice(sampled.used)],
    used: sampled.used,
    rows,
    update: updated,
    heads: heads.map((head) => head.statistics),
    referenceTokens: held.tokens,
  };
}

/** The training questions from a position on, in a new order each time they have all been used. */
function questionsFrom(
  { tasks, random }: Pick<TrainingSetup<Place>, 'tasks' | 'random'>,
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
  { policy, reference, sampling }: TrainingSetup<Place>,
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
