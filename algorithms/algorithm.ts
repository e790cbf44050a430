import type { ZodType } from 'zod';
import type { Random } from '../core/random.ts';
import type { Objective } from './objective.ts';
import type { RolloutTree } from './tree.ts';

/**
 * Where to start one more rollout: at a node of the tree that has not ended; or inside the action of an edge,
 * after its first `tokens` tokens (1 to one less than it has), which the new action then shares.
 *
 * `begin` takes part of the rollout out of the policy's hands:
 * - 'answer': it has to answer without a tool, at the first state where that is possible. Free text: the action
 *   begins as the environment's protocol has answers begin. Listed actions: the policy chooses among those that end the
 *   episode, if there are any.
 * - 'expert': its first action is an expert's (`LoadedEnvironment.expert`).
 * Log-probabilities are the policy's own all the same. See `TreeEdge.forced`.
 */
export type ForkPoint =
  | { readonly node: number; readonly begin?: 'answer' | 'expert' }
  | { readonly edge: number; readonly tokens: number };

/**
 * What the engine measures for a method beyond its rollouts, in one batch, counted as cost, before it asks the
 * plan again or for credit: `TreeNode.gold`, `TreeEdge.pieces`, `TreeEdge.previous`, `TreeEdge.reference`.
 */
export const MEASUREMENTS = ['gold', 'pieces', 'previous', 'reference'] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

/** Numbers for every token of every action: by tree, edge, token. */
export type TokenValues = readonly (readonly Float64Array[])[];

/**
 * A small model that a method trains during the run (a critic): one linear output per token on top of the policy's
 * features of what was read before the token. Starts at 0. Its outputs are in `TreeEdge.outputs`.
 */
export interface Head {
  readonly name: string;
  /** Adam's learning rate of the head, above 0. */
  readonly learningRate: number;
  /** Adam steps per iteration, each over all actions of the iteration; at least 1. */
  readonly steps: number;
  /** Iterations at the start of a training in which the head alone is trained, the policy not. Default 0. */
  readonly warmup?: number;
  /**
   * 'action': if actions are listed, the output knows which was chosen (a Q value rather than a V). In free text it
   * makes no difference: at an action's last token the output has read all but that token. Default: the state.
   */
  readonly sees?: 'action';
  /**
   * The head's loss over the trees of one iteration, after the rollouts. What stays the same from step to step (targets,
   * the outputs at sampling time, which are in the trees) is worked out once; the function that it returns is called in
   * every step.
   */
  loss(trees: readonly RolloutTree[]): HeadLoss;
}

/**
 * A head's loss as a function of its outputs now.
 * @returns the loss, its gradients in the shape of `outputs`, and the share of the targets' variance that the outputs
 * explain, if that is defined.
 */
export type HeadLoss = (outputs: TokenValues) => {
  readonly loss: number;
  readonly gradients: TokenValues;
  readonly explainedVariance?: number;
};

/** Which questions' trees are used, if a method asks for others in place of those that are not. */
export interface Resampling {
  /** Pure. */
  keep(tree: RolloutTree): boolean;
  /** Batches of questions per iteration, at most; at least 1. */
  readonly batches: number;
}

/**
 * One action to train on. An edge may appear more than once, in different sequences, if a method trains
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
  /** Weight in the loss of every token of the action, at least 0; 1 for all if absent. 0: not trained. */
  readonly weights?: readonly number[];
  /** Factor on the clip range of the action, above 0. Default 1. */
  readonly clipScale?: number;
  /**
   * Negative log-likelihood instead of a policy gradient: the loss is -nllWeight * log-probability, summed over the
   * action's tokens with their `weights`. It does not enter the means of the objective. Above 0; `advantage` must be 0.
   */
  readonly nllWeight?: number;
  /** The action was not drawn from the policy: see `LossRow.offPolicy` in objective.ts. Above 0. */
  readonly offPolicy?: number;
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
  /** Models trained beside the policy. Default 'none'. */
  readonly critic?: string;
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
  /** What has to be measured beyond the rollouts. Default: nothing. */
  needs?(options: Options): readonly Measurement[];
  /** The small models that are trained beside the policy. Default: none. */
  heads?(options: Options): readonly Head[];
  /** Which trees are used and how long others are sampled in place of the rest. Default: all are used. */
  resampling?(options: Options): Resampling;
  /**
   * What the credit rule lacks in a tree that another plan grew, for people; undefined if nothing. For rules that are
   * defined on trees of their own plan only. Default: the rule is defined on every tree.
   */
  lacks?(tree: RolloutTree, options: Options): string | undefined;
  /** The options that spend that many rollouts (2 or more) per question: for comparisons at equal budget. */
  budget(rollouts: number): Partial<Options>;
}

// biome-ignore lint/suspicious/noExplicitAny: a registry holds algorithms of every options type
export type AnyAlgorithm = Algorithm<any>;
