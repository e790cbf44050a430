import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { configured } from '../../algorithms/configured.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { createRandom } from '../../core/random.ts';
import type { TrainablePolicy } from '../../policies/policy.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { createWritingTable } from '../../policies/tabular/writing.ts';
import type { Expert } from '../rollout/forced.ts';
import {
  initialState,
  type TrainedIteration,
  type TrainingSetup,
  trainIteration,
} from '../training/iteration.ts';
import { trainingSchema } from '../training/options.ts';
import type { Experiment } from './experiment.ts';
import { CreditCounts, type Identification } from './identify.ts';
import { type CompiledProcess, compile, copies, type DecisionProcess, loadProcess } from './process.ts';
import { isWritten, loadWritten, type WrittenProcess } from './written.ts';

const SAMPLING = { temperature: 1 };
/**
 * Questions of a level: as many copies of its process, each with states of its own. Learning one is luck, learning most is
 * not; and they share parameters.
 */
const COPIES = 4;
/** Parameters that all states of all copies share. */
const SHARED = 16;
const ROLLOUTS = 16;
/** Episodes of the starting policy whose sampled actions are the budget of a training run. */
const EPISODES = 1600;
/** What of that a look at credit at the starting policy may spend. */
const SHARE_AT_START = 0.2;

/** One algorithm at one level of one experiment. */
export interface LearningRequest {
  readonly algorithm: AnyAlgorithm;
  readonly experiment: Experiment;
  readonly level: number;
  readonly seed: number;
  /** Adam's learning rate. */
  readonly rate: number;
  /** 'tuning' for runs that choose the learning rate: their random numbers are others. */
  readonly purpose: 'tuning' | 'score';
  /** Absent: the random numbers of the seed, common to all algorithms. A name: others, to compare a method with itself. */
  readonly noiseStream?: string;
  readonly signal?: AbortSignal;
}

/** What a training run scored. */
export interface Learned {
  /**
   * Area under the curve of the exact expected return of the current policy against sampled actions, on a scale on
   * which the starting policy is 0 and the optimal one 1. Negative where training made the policy worse.
   */
  readonly score: number;
  /** On the same scale, the policy when the budget was spent. */
  readonly final: number;
}

/** A level made ready: all that does not depend on the algorithm. */
class Level {
  readonly process: DecisionProcess;
  readonly compiled: CompiledProcess;
  readonly loaded: ReturnType<typeof loadProcess>;
  /** Present if actions are written token by token. */
  readonly written: WrittenProcess | undefined;
  readonly start: number;
  readonly optimum: number;
  /** Sampled actions of a training run. */
  readonly budget: number;

  constructor({ experiment, level }: Pick<LearningRequest, 'experiment' | 'level'>) {
    this.process = copies(experiment.process(level), COPIES);
    this.compiled = compile(this.process);
    this.written = isWritten(this.process) ? loadWritten(experiment.id, this.process) : undefined;
    this.loaded = this.written?.loaded ?? loadProcess(experiment.id, this.process);
    const probabilities = startingProbabilities(this.process);
    this.start = this.compiled.values(probabilities).value;
    this.optimum = experiment.optimum?.(level) ?? this.compiled.optimum();
    this.budget = (experiment.episodes ?? EPISODES) * this.compiled.length(probabilities);
  }

  /** The return of a policy on the scale of scores; 0 where there is nothing to gain. */
  scale(value: number): number {
    const gain = this.optimum - this.start;
    return gain < 1e-12 ? 0 : (value - this.start) / gain;
  }
}

/** Probabilities of the actions of a state under the starting policy. */
export function startingProbabilities({ states }: DecisionProcess): (state: string) => Float64Array {
  return (state) => {
    const weights = Float64Array.from(states[state]!.actions, ({ logit }) => Math.exp(logit));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / sum);
  };
}

/** Trains from the starting policy until the budget of sampled actions is spent. */
export async function learn(request: LearningRequest): Promise<Learned> {
  const level = new Level(request);
  const { policy, setup, prompts } = await prepare(request, level);
  const { budget } = level;
  let state = initialState(policy, setup.algorithm);
  let spent = 0;
  let area = 0;
  let current = 0;
  while (spent < budget) {
    const before = current;
    const trained = await trainIteration(state, setup);
    state = trained.state;
    // The policy of before is the one that acted. Credit that asks for no rollout would never end.
    const cost = Math.max(1, sampledActions(trained, setup));
    area += before * Math.min(cost, budget - spent);
    spent += cost;
    if (spent < budget) current = level.scale(await exactReturn(level, policy, prompts));
  }
  return { score: area / budget, final: current };
}

/**
 * Sets the credit that a method gives while the policy stays the starting one against the exact advantages. What a method
 * trains beside the policy (a critic) is trained on the way.
 */
export async function identify(request: Omit<LearningRequest, 'rate' | 'purpose'>): Promise<Identification> {
  const level = new Level(request);
  const { policy, setup } = await prepare({ ...request, rate: 1e-9, purpose: 'score' }, level, 'identify');
  const { actions, states } = level.compiled.values(startingProbabilities(level.process));
  const counts = new CreditCounts(actions, states, level.written?.decisions);
  const budget = SHARE_AT_START * level.budget;
  const start = initialState(policy, setup.algorithm);
  let state = start;
  for (let spent = 0; spent < budget; ) {
    const trained = await trainIteration(state, setup);
    spent += Math.max(1, sampledActions(trained, setup));
    counts.add(trained);
    const parameters = trained.state.parameters.slice();
    parameters.set(start.parameters);
    state = { ...trained.state, parameters };
  }
  return counts.summary();
}

async function prepare(request: LearningRequest, level: Level, use = 'learn') {
  const { loaded, process, compiled, written } = level;
  const { algorithm, experiment, seed, rate, purpose, noiseStream, signal } = request;
  const { rollouts, questions } = {
    rollouts: ROLLOUTS,
    questions: loaded.tasks.train.length,
    ...experiment.batch?.(request.level),
  };
  const random = createRandom(seed).split('profile', purpose, use, experiment.id, request.level);
  const shared = { size: SHARED, random: random.split('policy') };
  const byText = new Map(Object.values(process.states).map((state) => [state.text, state]));
  const policy =
    written === undefined
      ? createTabularPolicy({
          // What a head reads of an action is no state of the process.
          initial: ({ text }, action) => byText.get(text)?.actions[action]?.logit ?? 0,
          shared,
        })
      : createWritingTable({ ...written, shared });
  const prompts = compiled.order.map((name) => {
    const { text, actions } = process.states[name]!;
    return { text, actions: actions.map((action) => action.name) };
  });
  // All rows of the table at once, in one order.
  await policy.distributions(prompts, SAMPLING);
  const setup: TrainingSetup = {
    environment: loaded.environment,
    expert: loaded.expert as Expert,
    tasks: loaded.tasks.train,
    policy,
    algorithm: configured(algorithm, algorithm.budget(rollouts)),
    options: trainingSchema.parse({
      questions,
      learningRate: rate,
      warmupSteps: 0,
      minibatches: 1,
      maxGradientNorm: 1e9,
    }),
    sampling: SAMPLING,
    reference: policy.parameters(),
    random,
    ...(noiseStream === undefined ? {} : { noise: random.split('luck', noiseStream) }),
    ...(signal === undefined ? {} : { signal }),
  };
  return { policy, setup, prompts };
}

/**
 * What an iteration cost, in sampled actions: those of all its trees, used or not, and half an action per token that was
 * measured (sampling an action reads one token and draws one). A critic on what the policy had computed anyway is free.
 * Where actions are written, their tokens count in place of the actions.
 */
function sampledActions(
  { trees, used, referenceTokens }: TrainedIteration,
  { algorithm }: TrainingSetup,
): number {
  const drawn = (some: readonly RolloutTree[]): number =>
    some.reduce(
      (sum, { edges }) =>
        edges.reduce((all, { tokens, shared }) => all + tokens.length - (shared?.tokens ?? 0), sum),
      0,
    );
  const hasCritic = algorithm.heads.some(({ sees }) => sees === undefined);
  const ofCritic = hasCritic ? trees.slice(0, used).reduce((sum, tree) => sum + criticTokens(tree), 0) : 0;
  const measured = trees.reduce((sum, tree) => sum + (tree.measuredTokens ?? 0), 0) - ofCritic;
  return drawn(trees) + (measured + referenceTokens) / 2;
}

/** What a critic reads: of listed actions the state and the action, of written ones all that there is so far. */
const criticTokens = ({ nodes, edges }: RolloutTree): number =>
  edges.reduce((sum, { from, tokens }) => sum + (nodes[from]!.prompt.tokens?.length ?? 1) + tokens.length, 0);

async function exactReturn(
  { compiled }: Level,
  policy: TrainablePolicy,
  prompts: Parameters<TrainablePolicy['distributions']>[0],
): Promise<number> {
  const distributions = await policy.distributions(prompts, SAMPLING);
  const place = new Map(compiled.order.map((name, index) => [name, index]));
  return compiled.values((state) => distributions[place.get(state)!]!.map(Math.exp)).value;
}
