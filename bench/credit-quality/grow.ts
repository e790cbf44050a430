import type { ConfiguredAlgorithm } from '../../algorithms/configured.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { InputError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { LoadedEnvironment, Task } from '../../envs/environment.ts';
import type { Policy, Prompt, Sampling, TrainablePolicy } from '../../policies/policy.ts';
import { rolloutCost } from '../rollout/cost.ts';
import { rollout } from '../rollout/engine.ts';
import { expertOf } from '../rollout/forced.ts';
import { type HeadState, headStates, readHeads, trainHead } from '../training/heads.ts';
import { tokenCredits } from '../training/token-credits.ts';
import { trainingRows } from '../training/update.ts';

/** Where in its episode an action was taken. One that ended the episode is its last, even if it was also its first. */
export const POSITIONS = ['first', 'middle', 'last'] as const;
export type Position = (typeof POSITIONS)[number];

/** An action that was sampled in a state, as far as its true advantage depends on it. */
export interface SampledChoice {
  readonly state: unknown;
  /** What the policy read there. */
  readonly prompt: Prompt;
  readonly action: string;
  readonly tokens: readonly number[];
  /** Sum of the rewards before it. */
  readonly before: number;
}

/** A sampled action and what a method says of it. */
export interface CreditedChoice extends SampledChoice {
  readonly position: Position;
  /** Mean over its tokens; 0 if it is not trained. */
  readonly credit: number;
  readonly trained: boolean;
  /** How many sampled actions it stands for: more than 1 if only some are looked at. */
  readonly weight: number;
}

/** What one method did with one question. */
export interface GrownQuestion {
  readonly task: Task;
  readonly choices: readonly CreditedChoice[];
  readonly trees: number;
  /** Tokens drawn; a choice from a list is one. */
  readonly sampledTokens: number;
  /** Tokens read before acting, a prefix that a tree shares once. */
  readonly prefillTokens: number;
  /** Tokens read to measure what the method needs beyond its rollouts. */
  readonly measuredTokens: number;
}

/** What all methods have in common. */
export interface GrowSetup {
  readonly loaded: LoadedEnvironment;
  readonly policy: Policy;
  readonly tasks: readonly Task[];
  readonly sampling: Sampling;
  /** Tokens to draw per question, mean over the questions. */
  readonly budget: number;
  /** Questions whose credit is worked out together, at most. */
  readonly batch: number;
  /** Actions of a question that are looked at, of those that are trained and of the others each. */
  readonly most: number;
  /** Carries no method's name: all of them meet the same random numbers. */
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/** Share of the budget after which a method with heads gives credit; until then the heads alone are trained. */
const FITTING = 0.5;

/**
 * Grows a method's trees, one per question and round, until the budget is used: a round is begun while less than that was
 * drawn (so sums over rounds are unbiased per token, by Wald's identity). The policy stays as it is.
 * @throws InputError when the method needs what the policy or the environment cannot give.
 */
export async function growQuestions(
  algorithm: ConfiguredAlgorithm,
  setup: GrowSetup,
  onProgress: (share: number) => void = () => {},
): Promise<readonly GrownQuestion[]> {
  const { tasks, random } = setup;
  const budget = setup.budget * tasks.length;
  const questions = tasks.map((task) => new Question(task, setup.most));
  const parts = batches(tasks.length, setup.batch);
  const readsFeatures = algorithm.heads.length > 0;
  let heads: readonly HeadState[] = headStates(algorithm.heads);
  const learning = readsFeatures ? withFeatures(setup.policy) : undefined;
  let spent = 0;
  for (let round = 0; spent < budget; round++) {
    const isFitting = readsFeatures && spent < FITTING * budget;
    for (const [index, part] of parts.entries()) {
      const stream = random.split('round', round, index);
      const sampled = await sample(algorithm, setup, part, stream);
      let trees = sampled;
      if (learning !== undefined) {
        const read = await readHeads(sampled, heads, learning, setup.sampling);
        trees = read.trees;
        const used = read;
        heads = heads.map((head, which) => trainHead(head, trees, used.features[which]!).state);
      }
      if (!isFitting) addCredit(algorithm, trees, part, questions, stream);
      for (const [place, at] of part.entries()) spent += questions[at]!.addCost(trees[place]!, setup.policy);
      onProgress(Math.min(1, spent / budget));
    }
    if (spent === 0) throw new InputError('its plan asks for no rollout');
  }
  return questions.map((question) => question.grown());
}

async function sample(
  { next, needs }: ConfiguredAlgorithm,
  { loaded, policy, tasks, sampling, signal }: GrowSetup,
  part: readonly number[],
  random: Random,
): Promise<readonly RolloutTree[]> {
  return rollout({
    environment: loaded.environment,
    policy,
    plan: next,
    tasks: part.map((at) => tasks[at]!),
    random,
    sampling,
    // Nothing is trained: starting weights and those before the last update are the policy's own.
    measuring: { needs },
    ...expertOf(loaded),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The credit of the trees of some questions, worked out together as in one training iteration. */
function addCredit(
  { credit, resampling }: ConfiguredAlgorithm,
  trees: readonly RolloutTree[],
  part: readonly number[],
  questions: readonly Question[],
  random: Random,
): void {
  // In training, other questions' trees take the place of those that are not kept. Here the next round does.
  const places = trees.flatMap((tree, place) => (resampling?.keep(tree) === false ? [] : [place]));
  const used = places.map((place) => trees[place]!);
  const rows = used.length === 0 ? [] : trainingRows(used, credit(used, random.split('credit')));
  const credits = tokenCredits(used, rows);
  const draws = random.split('looked at');
  for (const [place, tree] of trees.entries()) {
    const own = credits[places.indexOf(place)];
    for (const edge of tree.edges) {
      const node = tree.nodes[edge.from]!;
      const values = own?.[edge.id];
      const credit = values === undefined ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
      const ended = tree.nodes[edge.to]!.end !== 'open';
      const choice = {
        state: node.state,
        prompt: node.prompt,
        action: edge.action,
        tokens: edge.tokens,
        before: node.return,
        position: ended ? 'last' : node.depth === 0 ? 'first' : 'middle',
        credit,
        trained: values !== undefined,
      } as const;
      questions[part[place]!]!.add(choice, draws);
    }
  }
}

/** Consecutive places in batches of about equal size. */
function batches(count: number, most: number): readonly (readonly number[])[] {
  const number = Math.ceil(count / most);
  return Array.from({ length: number }, (_, part) => {
    const [from, to] = [part, part + 1].map((edge) => Math.floor((edge * count) / number)) as [
      number,
      number,
    ];
    return Array.from({ length: to - from }, (_, index) => from + index);
  });
}

/** @throws InputError when the policy has no features that a head could read. */
function withFeatures(policy: Policy): TrainablePolicy {
  if ('features' in policy && typeof policy.features === 'function') return policy as TrainablePolicy;
  throw new InputError(`it trains a model on features of the policy, and ${policy.id} gives none`);
}

type Looked = Omit<CreditedChoice, 'weight'>;

/** Collects what a method does with one question; of many choices, an even sample. */
class Question {
  private readonly task: Task;
  private readonly most: number;
  private readonly kept = { true: new Sample(), false: new Sample() };
  private cost = { trees: 0, sampledTokens: 0, prefillTokens: 0, measuredTokens: 0 };

  constructor(task: Task, most: number) {
    this.task = task;
    this.most = most;
  }

  add(choice: Looked, random: Random): void {
    this.kept[`${choice.trained}`].add(choice, this.most, random);
  }

  /** @returns the tokens drawn. */
  addCost(tree: RolloutTree, policy: Policy): number {
    const { generatedTokens, prefillTokensShared } = rolloutCost([tree], policy);
    const { trees, sampledTokens, prefillTokens, measuredTokens } = this.cost;
    this.cost = {
      trees: trees + 1,
      sampledTokens: sampledTokens + generatedTokens,
      prefillTokens: prefillTokens + prefillTokensShared,
      measuredTokens: measuredTokens + (tree.measuredTokens ?? 0),
    };
    return generatedTokens;
  }

  grown(): GrownQuestion {
    const choices = [...this.kept.true.weighted(), ...this.kept.false.weighted()];
    return { task: this.task, choices, ...this.cost };
  }
}

/** An even sample of what is added, of a fixed size (Vitter's algorithm R). */
class Sample {
  private readonly kept: Looked[] = [];
  private seen = 0;

  add(choice: Looked, most: number, random: Random): void {
    this.seen++;
    if (this.kept.length < most) this.kept.push(choice);
    else {
      const place = random.integer(this.seen);
      if (place < most) this.kept[place] = choice;
    }
  }

  weighted(): readonly CreditedChoice[] {
    return this.kept.map((choice) => ({ ...choice, weight: this.seen / this.kept.length }));
  }
}
