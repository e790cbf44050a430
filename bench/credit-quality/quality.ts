import { setImmediate } from 'node:timers/promises';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { configured } from '../../algorithms/configured.ts';
import { InputError } from '../../core/errors.ts';
import { createRandom, type Random, shuffled } from '../../core/random.ts';
import type { LoadedEnvironment, Task } from '../../envs/environment.ts';
import type { Policy, Sampling } from '../../policies/policy.ts';
import { checkKinds } from '../rollout/context.ts';
import type { Interval } from '../stats/interval.ts';
import { AgreementCounts, type TruthAgreement } from './agreement.ts';
import { type ComparedMeasure, compareMethods, type QualityDifference } from './compare.ts';
import { type GrownQuestion, growQuestions } from './grow.ts';
import type { QualityMeasure } from './measures.ts';
import type { MeasuredMethods } from './store.ts';
import { type QuestionSums, sumsOf } from './sums.ts';
import {
  canBeExact,
  exactTruth,
  type GradientSums,
  sampledTruth,
  type TrueAdvantage,
  type Truth,
} from './truth.ts';

/**
 * What `creditQuality` measures.
 * @experimental
 */
export interface CreditQualityRequest {
  readonly loaded: LoadedEnvironment;
  /** Stays as it is. One that gives no features (a model behind a server) leaves methods with critics out. */
  readonly policy: Policy;
  /** Methods with names of their own, all different. `options` on top of what `rollouts` makes of them. */
  readonly methods: readonly {
    readonly name: string;
    readonly algorithm: AnyAlgorithm;
    readonly options?: object;
  }[];
  /** What the others are compared with, by its name. Default: 'grpo', if it is there. */
  readonly baseline?: string;
  /** Questions of the split, drawn with the seed. Default: 50, or all where there are fewer. */
  readonly questions?: number;
  /** Default 'dev'. */
  readonly split?: 'train' | 'dev' | 'test';
  /** Rollouts of one tree, 2 or more, as each method's `budget` deals them. Default 16. */
  readonly rollouts?: number;
  /** Tokens to draw per question for each method. Default: 500 if actions are listed (one each), 20,000 for free text. */
  readonly budget?: number;
  /** Questions whose credit is worked out together. Default 24. */
  readonly batch?: number;
  /**
   * Where true advantages come from: 'exact', or rollouts per state and action (2 or more). The first is what the methods are
   * compared by. Default: exact where that is possible, else 32.
   */
  readonly truths?: readonly ('exact' | number)[];
  /**
   * Actions per method and question that are set against the truth, of those that are trained and of the others each.
   * Default: all if actions are listed, 16 for free text.
   */
  readonly actions?: number;
  readonly sampling?: Sampling;
  readonly seed?: number;
  /** Finds methods that were measured before, and keeps those that are. Heeded if there is one truth only. */
  readonly kept?: MeasuredMethods;
  readonly signal?: AbortSignal;
  /** How much is done: 0 to 1. */
  readonly onProgress?: (progress: { readonly fraction: number; readonly what: string }) => void;
}

/**
 * A method under one truth.
 * @experimental
 */
export interface MethodQuality {
  readonly name: string;
  readonly truth: 'exact' | number;
  /** With 95 % intervals over questions; NaN where one is not defined. */
  readonly measures: Readonly<Record<QualityMeasure, Interval>>;
  /** Against the baseline; null if it is the baseline, or there is none. */
  readonly differences: Readonly<Record<ComparedMeasure, QualityDifference>> | null;
  /** What every question adds, in the order of `tasks`. */
  readonly questions: readonly QuestionSums[];
}

/**
 * What `creditQuality` found.
 * @experimental
 */
export interface CreditQuality {
  readonly tasks: readonly Task[];
  /** By truth, and in that in the order of the request. */
  readonly methods: readonly MethodQuality[];
  /** Methods that need what the policy or the environment cannot give. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** Each sampled truth beside the exact one, if both were asked for. */
  readonly agreements: readonly TruthAgreement[];
  /** Tokens that were drawn for the truth. */
  readonly truthTokens: number;
  /** The settings, complete. */
  readonly settings: {
    readonly questions: number;
    readonly rollouts: number;
    readonly budget: number;
    readonly truths: readonly ('exact' | number)[];
    readonly actions: number | 'all';
    readonly seed: number;
  };
}

const QUESTIONS = 50;
const ROLLOUTS = 16;
const BATCH = 24;
const TRUTH = 32;
const DEFAULTS = {
  listed: { budget: 500, actions: Number.POSITIVE_INFINITY },
  text: { budget: 20_000, actions: 16 },
} as const;

/** @throws InputError when something asked for does not fit the environment; needs no policy. */
export function checkCreditQuality({
  loaded,
  questions,
  split = 'dev',
  truths = [],
}: Omit<CreditQualityRequest, 'policy'>): void {
  const { environment, tasks } = loaded;
  const most = tasks[split].length;
  if (questions !== undefined && !(questions >= 1 && questions <= most)) {
    throw new InputError(
      `--questions: ${questions} is not valid; valid: whole number from 1 to ${most}, the ${split} questions of ${environment.id}`,
    );
  }
  if (truths.includes('exact') && !canBeExact(environment)) {
    throw new InputError(
      `--truth: 'exact' is not valid for ${environment.id}, whose states cannot be enumerated; valid: rollouts per state and action, a whole number from 2`,
    );
  }
}

/**
 * Sets the credit that methods give, at equal numbers of drawn tokens, against the true advantages of the actions under a policy that stays as it is.
 * Nothing is trained but what methods train beside the policy. Deterministic if the policy is.
 * @throws InputError when something asked for does not fit the environment, or no method can be measured.
 * @experimental
 */
export async function creditQuality(request: CreditQualityRequest): Promise<CreditQuality> {
  const { loaded, policy, signal, onProgress } = request;
  const { environment } = loaded;
  const usual = environment.text === undefined ? DEFAULTS.listed : DEFAULTS.text;
  const { rollouts = ROLLOUTS, budget = usual.budget, actions = usual.actions, seed = 0 } = request;
  checkCreditQuality(request);
  checkKinds(environment, policy);
  const tasks = chooseTasks(request, seed);
  const random = createRandom(seed).split('credit quality');
  const setup = {
    ...{ environment, policy, sampling: request.sampling ?? { temperature: 1 } },
    ...(signal === undefined ? {} : { signal }),
  };
  const kinds = request.truths ?? [canBeExact(environment) ? 'exact' : TRUTH];
  const truths = kinds.map((kind) => truthOf(kind, random, setup));
  const exact = kinds.indexOf('exact');
  const agreements = kinds.map((kind) =>
    kind === 'exact' || exact < 0 ? undefined : { kind, counts: new AgreementCounts() },
  );

  const measured: { readonly name: string; readonly sums: readonly (readonly QuestionSums[])[] }[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const kept = kinds.length === 1 ? request.kept : undefined;
  let truthTokens = 0;
  for (const [index, { name, algorithm, options }] of request.methods.entries()) {
    const before = await kept?.read(name);
    if (before !== undefined && before.sums.length === tasks.length) {
      measured.push({ name, sums: [before.sums] });
      truthTokens += before.truthTokens;
      continue;
    }
    const drawn = drawnFor(truths);
    const tell = (share: number): void =>
      onProgress?.({ fraction: (index + share) / request.methods.length, what: name });
    const growSetup = { ...setup, loaded, tasks, budget, batch: request.batch ?? BATCH, most: actions };
    let grown: readonly GrownQuestion[];
    try {
      const method = configured(algorithm, { ...algorithm.budget(rollouts), ...options });
      grown = await growQuestions(method, { ...growSetup, random: random.split('rollouts') }, (share) =>
        tell(share / 2),
      );
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      skipped.push({ name, reason: error.message });
      continue;
    }
    const advantages = kinds.map((): (readonly TrueAdvantage[])[] => []);
    const gradients = kinds.map((): GradientSums[] => []);
    for (const [place, { task, choices }] of grown.entries()) {
      await setImmediate(); // lets signals in
      signal?.throwIfAborted();
      for (const [which, truth] of truths.entries()) {
        advantages[which]!.push(await truth.advantages(task, choices));
        const gradient = await truth.gradient?.(task, choices);
        if (gradient !== undefined) gradients[which]!.push(gradient);
      }
      for (const [which, agreement] of agreements.entries()) {
        agreement?.counts.add(task.id, advantages[exact]![place]!, advantages[which]![place]!);
      }
      tell(0.5 + (place + 1) / grown.length / 2);
    }
    const sums = advantages.map((of, which) => sumsOf(grown, of, gradients[which]));
    measured.push({ name, sums });
    const tokens = drawnFor(truths) - drawn;
    truthTokens += tokens;
    await kept?.write(name, { sums: sums[0]!, truthTokens: tokens });
  }
  if (measured.length === 0) {
    throw new InputError(
      `no method can be measured: ${skipped.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}`,
    );
  }
  const baseline = measured.findIndex(({ name }) => name === (request.baseline ?? 'grpo'));
  const methods = kinds.flatMap((truth, which) => {
    const sums = measured.map((method) => method.sums[which]!);
    const compared = compareMethods(sums, baseline < 0 ? undefined : baseline, random);
    return measured.map(({ name }, index) => ({
      ...{ name, truth, questions: sums[index]! },
      ...compared[index]!,
    }));
  });
  return {
    ...{ tasks, methods, skipped },
    agreements: agreements.flatMap((one) => (one === undefined ? [] : one.counts.summary(one.kind))),
    truthTokens,
    settings: {
      ...{ questions: tasks.length, rollouts, budget, truths: kinds, seed },
      actions: Number.isFinite(actions) ? actions : 'all',
    },
  };
}

const drawnFor = (truths: readonly Truth[]): number => truths.reduce((sum, truth) => sum + truth.tokens(), 0);

const truthOf = (kind: 'exact' | number, random: Random, setup: Parameters<typeof exactTruth>[0]): Truth =>
  kind === 'exact' ? exactTruth(setup) : sampledTruth(kind, random.split('truth', kind), setup);

function chooseTasks(
  { loaded, split = 'dev', questions = QUESTIONS }: CreditQualityRequest,
  seed: number,
): readonly Task[] {
  const order = shuffled(loaded.tasks[split], createRandom(seed).split('credit quality', 'questions'));
  return order.slice(0, questions);
}
