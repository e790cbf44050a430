import type { NoCredit, TurnCredit } from '../../bench/trajectories/credit.ts';
import type { GrownTree } from '../../bench/trajectories/grow.ts';
import type { Trajectory } from '../../bench/trajectories/trajectory.ts';

/**
 * What a method says of the trajectories of one tree: by trajectory and turn (`MethodCredit.credits` of that tree), or why
 * it says nothing.
 * @experimental
 */
export type TreeCredit = readonly (readonly TurnCredit[])[] | NoCredit;

/**
 * The rollouts of one question, and what methods say of them.
 * @experimental
 */
export interface ShownTree {
  /** Names the question. Trees of the same are shown one after the other. */
  readonly question: string;
  /** What sampled this tree, if a question has several: 'grpo, seed 0'. */
  readonly label?: string;
  readonly grown: GrownTree;
  /** In the order of the tree's paths: texts and measurements are theirs. */
  readonly trajectories: readonly Trajectory[];
  /** By method. */
  readonly credits: Readonly<Record<string, TreeCredit>>;
}

/**
 * What a page of trees shows.
 * @experimental
 */
export interface TreePageInput {
  readonly questions: readonly ShownTree[];
  readonly title?: string;
  /** What the rollouts are, in a sentence. */
  readonly lead?: string;
  /** What else a reader has to know of the credits, a paragraph each. */
  readonly notes?: readonly string[];
  /** Version of creditbench that writes the page. Default: this one. */
  readonly version?: string;
  readonly most?: Partial<TreePageLimits>;
}

/**
 * How much a page shows. What is left out, it says.
 * @experimental
 */
export interface TreePageLimits {
  /** Trees, those with most disagreement first. */
  readonly trees: number;
  /** Tokens of actions over all trees, shared ones counted once. */
  readonly tokens: number;
  /** Characters of texts over all trees. */
  readonly characters: number;
}

/** With these a page of 31 methods has less than 5 MB. */
export const DEFAULT_LIMITS: TreePageLimits = { trees: 50, tokens: 15_000, characters: 600_000 };
