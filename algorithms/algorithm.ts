import type { ZodType } from 'zod';
import type { Random } from '../core/random.ts';
import type { Objective } from './objective.ts';
import type { RolloutTree } from './tree.ts';

/**
 * Where to start one more rollout: at a node of the tree that has not ended; or inside the action of an edge,
 * after its first `tokens` tokens (1 to one less than it has), which the new action then shares.
 */
export type ForkPoint = { readonly node: number } | { readonly edge: number; readonly tokens: number };

/**
 * One action to train on. An edge may appear more than once, in different sequences, where a method trains
 * whole leaves that share a prefix.
 */
export interface CreditedAction {
  /** Index of the tree in the batch given to `credit`. */
  readonly tree: number;
  /** Edge of that tree. */
  readonly edge: number;
  /** The advantage of every token of the action, or one for all of them. */
  readonly advantage: number | readonly number[];
  /** Actions with the same name are one row of the loss (a trajectory; or each action alone). */
  readonly sequence: string;
  /** Weight in the loss of every token of the action, at least 0; 1 for all where absent. 0: not trained. */
  readonly weights?: readonly number[];
  /** Factor on the clip range of the action, above 0. Default 1. */
  readonly clipScale?: number;
}

/** What to train on. Edges that are not listed are not trained, and the training loop counts them. */
export interface Credit {
  readonly actions: readonly CreditedAction[];
}

/** How a run of an algorithm is described in tables. */
export interface AlgorithmDescription {
  readonly title: string;
  readonly paper: string;
  /** What carries its own credit. */
  readonly granularity: 'trajectory' | 'action' | 'token';
  /** Where the formulas come from. */
  readonly evidence: 'paper' | 'code' | 'transcription' | 'reconstruction';
  /** What is sampled beyond independent rollouts from the start. Default 'none'. */
  readonly extraSamples?: string;
  /** Which actions or tokens are trained. Default 'all actions'. */
  readonly trained?: string;
}

/**
 * A credit-assignment algorithm: three pure functions and documented defaults.
 *
 * @typeParam Options parsed by `schema`, every field with a default.
 */
export interface Algorithm<Options = unknown> {
  readonly id: string;
  readonly description: AlgorithmDescription;
  /** Validates and completes options. `schema.parse({})` gives the defaults. */
  readonly schema: ZodType<Options>;
  /**
   * The rollout plan: where to start more rollouts of this question. Asked when all the rollouts it asked for
   * have ended; `[]` means enough. On an empty tree the only possible fork point is the root, node 0.
   */
  next(tree: RolloutTree, options: Options, random: Random): readonly ForkPoint[];
  /** The credit rule, over all the trees of one iteration. */
  credit(trees: readonly RolloutTree[], options: Options, random: Random): Credit;
  /** The loss that the credit enters. */
  objective(options: Options): Objective;
  /** The options that spend that many rollouts (2 or more) per question: for comparisons at equal budget. */
  budget(rollouts: number): Partial<Options>;
}

// biome-ignore lint/suspicious/noExplicitAny: a registry holds algorithms of every options type
export type AnyAlgorithm = Algorithm<any>;
