import type { Task } from '../envs/environment.ts';
import type { Prompt } from '../policies/policy.ts';

/**
 * A decision point: a state the agent was in. The root is node 0. Identity is the exact prefix: two nodes
 * with equal states but different histories stay two nodes.
 */
export interface TreeNode {
  readonly id: number;
  /** The edge that led here; undefined at the root. */
  readonly parent: number | undefined;
  readonly state: unknown;
  /** Number of actions before this node. */
  readonly depth: number;
  /** What the policy reads here. Empty text where the episode has ended. */
  readonly prompt: Prompt;
  readonly end: 'open' | 'terminated' | 'truncated';
  /** Edges that leave this node, in the order they were sampled. */
  readonly children: readonly number[];
  /** Sum of the rewards from the root to here. At a leaf: the return of its trajectory. */
  readonly return: number;
  /** Golden intermediate steps reached so far, where the environment knows them (`Environment.milestones`). */
  readonly milestones?: number;
  /**
   * Mean log-probability (nats per token) that the policy gives the first accepted answer here, if it had to
   * answer now. On open nodes, where the algorithm needs 'gold'.
   */
  readonly gold?: number;
}

/** One sampled action: ids as sampled, what they cost in log-probability, and where they led. */
export interface TreeEdge {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly action: string;
  readonly tokens: readonly number[];
  /** Log-probabilities of the tokens under the sampling distribution. */
  readonly logProbs: readonly number[];
  /** Entropies (nats) of the sampling distribution at each token. */
  readonly entropies: readonly number[];
  readonly reward: number;
  /** Which call of the plan asked for the rollout this edge belongs to; 0 is the first call. */
  readonly round: number;
  /** True on the first edge of a rollout, the one that leaves its fork point. */
  readonly start: boolean;
  /** Of a rollout that forked inside an action: the edge it left, and how many leading tokens are that edge's. */
  readonly shared?: { readonly edge: number; readonly tokens: number };
  /** True when the action was cut at the limit of tokens. */
  readonly cut?: boolean;
  /** True when the action called a tool and got its result. */
  readonly tool?: boolean;
  /** The rollout was not left to the policy alone: see `ForkPoint`. On all its actions that this concerns. */
  readonly begin?: 'answer' | 'expert';
  /** How many leading tokens the policy did not draw: a forced beginning, an expert's action. Their entropies are 0. */
  readonly forced?: number;
  /** Log-probabilities under the weights before the last update, where the algorithm needs 'previous'. */
  readonly previous?: readonly number[];
  /** Log-probabilities under the starting weights, where the algorithm needs 'reference'. */
  readonly reference?: readonly number[];
  /** What every token adds to the action's text, where the algorithm needs 'pieces'. */
  readonly pieces?: readonly string[];
  /** What the algorithm's heads say before each token (one number per token), by the head's name. */
  readonly outputs?: Readonly<Record<string, readonly number[]>>;
}

/** All rollouts of one question. Chains from the root are the flat case. */
export interface RolloutTree {
  readonly task: Task;
  readonly nodes: readonly TreeNode[];
  readonly edges: readonly TreeEdge[];
  /** Tokens read to measure what the algorithm needs, every record reading its whole context. */
  readonly measuredTokens?: number;
}

/** The leaves (ended episodes) in the order they were reached. */
export function leaves(tree: RolloutTree): readonly TreeNode[] {
  return tree.nodes.filter((node) => node.end !== 'open');
}

/** The returns of the trajectories, in the order of their leaves. */
export function returnsOf(tree: RolloutTree): readonly number[] {
  return leaves(tree).map((leaf) => leaf.return);
}

/** The largest absolute return of a node: what rounding is compared with. */
export function returnScale({ nodes }: RolloutTree): number {
  return nodes.reduce((scale, node) => Math.max(scale, Math.abs(node.return)), 0);
}

/** The edges from the root to a node, first to last. */
export function path(tree: RolloutTree, node: TreeNode): readonly TreeEdge[] {
  const result: TreeEdge[] = [];
  for (let at = node; at.parent !== undefined; ) {
    const edge = tree.edges[at.parent]!;
    result.push(edge);
    at = tree.nodes[edge.from]!;
  }
  return result.reverse();
}
