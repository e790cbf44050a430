import type { Random } from '../core/random.ts';
import type { AnswerKind, AnswerMetric } from './scoring/answer.ts';

/**
 * A question to answer, or a situation to act in. `answers` are the accepted golds (scores are the maximum over them);
 * none if the environment has no answers.
 */
export interface Task {
  readonly id: string;
  readonly question: string;
  readonly answers: readonly string[];
  /** Kind of question, for tables: 'compositional', 'bridge', 'comparison', … */
  readonly kind: string;
  /** How many facts have to be combined; 0 if nobody knows. */
  readonly hops: number;
}

/** What the agent reads before it acts. */
export interface Observation {
  /** The text of the observation. */
  readonly text: string;
  /** Text after it that stays whole when `text` is cut to `TextProtocol.maxObservationTokens`. */
  readonly closing?: string;
}

/** How the agent writes its actions where they are free text instead of a choice from a list. */
export interface TextProtocol {
  /** Writing an action ends with the first of these: '</search>'. At least one, none empty. */
  readonly stops: readonly string[];
  /** Tokens per action, at most; an action that is longer is cut there, and handed to `step` as it is. */
  readonly maxActionTokens: number;
  /** Tokens of an observation's `text`, at most. The first observation, the prompt, is never cut. */
  readonly maxObservationTokens: number;
  /**
   * How an action that answers at once begins, up to the space and the answer that follow: '<think> … <answer>'. For
   * methods that ask what the policy would answer now, or make it answer.
   */
  readonly answering?: string;
}

/**
 * What one action led to. `terminated` (the task ended: the value after it is 0) and `truncated` (a limit cut
 * it short) are two facts; at most one of them is true.
 */
export interface Transition<State> {
  readonly state: State;
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
}

/** What an environment is scored by: the number that reports compare algorithms with. More is better. */
export interface Score {
  /**
   * 'f1' or 'em' of the answer (0 to 1), 'return' (the sum of rewards, in `rewardRange`), or one of the environment's
   * own `metrics`. The mean over dev episodes is the column `dev_<name>`.
   */
  readonly name: string;
  /** Its lowest and highest possible value. */
  readonly range: readonly [low: number, high: number];
}

/** Something that an environment counts in every episode, for the tables. */
export interface EpisodeMetric<State> {
  /** Name of its column: 'tool_calls'. Lower-case letters, digits and underscores, a letter first. */
  readonly name: string;
  /** Unit of its values: 'calls', '0..1'. They are numbers: the units of text columns (name, id, …) are not valid. */
  readonly unit: string;
  /** What is counted, in one line. */
  readonly description: string;
  /** Its value for an episode that ended in this state; null if it is not defined there (recall without golds). */
  of(state: State): number | null;
}

/**
 * Where an agent acts. Pure: a state is an immutable value and `step` returns a new one, so a rollout can be
 * forked at any past state at no cost. An action is the text that the agent emits in one turn; where the
 * legal actions can be listed, `actions(state)` lists them, and policies choose among exactly those.
 */
export interface Environment<State, T extends Task = Task> {
  /** Name and version, 'multihop/v1'. The version rises whenever numbers can change. */
  readonly id: string;
  /**
   * True when `observe(state)` and `actions(state)` hold all that matters for the future. A policy then reads
   * the newest observation only; otherwise it reads the whole transcript.
   */
  readonly markov: boolean;
  /** Lowest and highest possible return of an episode. */
  readonly rewardRange: readonly [number, number];
  reset(task: T): State;
  observe(state: State): Observation;
  /** Present if actions are free text: such environments have no `actions`. */
  readonly text?: TextProtocol;
  /** The legal actions, at least one, without repeats. Only if they can be enumerated. */
  actions?(state: State): readonly string[];
  /**
   * Takes one action. Deterministic environments ignore `random`; others draw through `random.categorical`.
   * An action that is not legal throws in environments with `actions`, and is answered in the others.
   */
  step(state: State, action: string, random: Random): Transition<State>;
  /**
   * Fetches from outside what the coming steps will need, in one batch (a retrieval server). Where it is
   * there, it is called before `step`; it changes no result, only whether `step` can give one.
   */
  prepare?(
    calls: readonly { readonly state: State; readonly action: string }[],
    signal?: AbortSignal,
  ): Promise<void>;
  /** What it is scored by. Default: the return, in `rewardRange`. */
  readonly score?: Score;
  /**
   * The answer given on the way to this state; undefined if none was given, which scores 0 ('' is an answer). Absent
   * where episodes do not end in an answer: there is no F1 and no exact match then.
   */
  answer?(state: State): string | undefined;
  /**
   * The answers that a legal action may end the episode with, each with its probability; together at most 1. For methods
   * that measure how likely the accepted answer is. Default: the one that taking the action once gives, if any.
   */
  answersAfter?(
    state: State,
    action: string,
  ): readonly { readonly answer: string; readonly probability: number }[];
  /** How answers are compared with the accepted ones. Default: 'text'. */
  readonly answerKind?: AnswerKind;
  /** What it counts besides, as means over episodes: columns `<name>` (training) and `dev_<name>` of metrics.csv. */
  readonly metrics?: readonly EpisodeMetric<State>[];
  /** Whether the action that led here called a tool and got its result. Default: the episode has not ended. */
  called?(state: State): boolean;
  /** How many golden intermediate steps (gold passages found) have been reached. undefined if nobody knows. */
  milestones?(state: State): number | undefined;
  /** Equal keys mean equal futures. Enables exact values by dynamic programming. */
  key?(state: State): string;
}

// biome-ignore lint/suspicious/noExplicitAny: a registry holds environments of every state type
export type AnyEnvironment = Environment<any, any>;

/** An environment ready to use: loaded data, its splits and its scripted teacher. */
export interface LoadedEnvironment<State = unknown, T extends Task = Task> {
  readonly environment: Environment<State, T>;
  readonly tasks: { readonly train: readonly T[]; readonly dev: readonly T[]; readonly test: readonly T[] };
  /** Hash of everything the numbers depend on: data, versions, options. */
  readonly fingerprint: string;
  /** Whose rules score answers that are text in evaluations. Default: HotpotQA's. */
  readonly metric?: AnswerMetric;
  /** A task for a question that somebody typed, where the environment takes any. Its answers may be none. */
  ask?(question: string, answers: readonly string[]): T;
  /**
   * A demonstration's next action. With probability `noise` it is a mistake: a legal action drawn evenly, or
   * if actions are free text, one of the mistakes that the environment's page lists. Present if a warm start is possible.
   */
  demonstrate?(state: State, noise: number, random: Random): string;
  /** What an agent that knows better would do, for methods that consult one in training. Default: a demonstration. */
  expert?(state: State, random: Random): string;
}
