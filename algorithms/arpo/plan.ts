import { z } from 'zod';
import type { Random } from '../../core/random.ts';
import type { ForkPoint } from '../algorithm.ts';
import type { RolloutTree, TreeEdge, TreeNode } from '../tree.ts';

/** Options of the plan. */
export const planOptions = {
  /** Rollouts per question, n. */
  rollouts: z.int().min(1).max(4096).default(16),
  /** Rollouts from the start before any branching. */
  initial: z.int().min(1).max(4096).default(8),
  /** P(branch) = alpha + beta * dH, cut to [0, 1]. */
  alpha: z.number().min(0).max(1).default(0.5),
  beta: z.number().min(0).default(0.2),
  /** 'chance': branches with that probability (released code). 'threshold': where it is above `threshold` (paper). */
  rule: z.enum(['chance', 'threshold']).default('chance'),
  threshold: z.number().default(0.5),
  /**
   * Whose entropy decides about the state after a tool result: that of the action that 'called' the tool
   * (released code), or of the rollout's 'reaction' to the result (paper).
   */
  entropyOf: z.enum(['call', 'reaction']).default('call'),
  /** Leading tokens of an action whose entropies are summed. */
  tokens: z.int().min(1).default(20),
  /** |V|: the sum is divided by ln |V|. */
  vocabulary: z.int().min(2).default(4096),
};

const schema = z.object(planOptions);
type PlanOptions = z.infer<typeof schema>;

/**
 * The rollouts that ran side by side last: the initial ones with their branches, or, when those had ended below
 * budget, a fresh one with its branches. All of them take one action per turn, so a state's depth is its turn.
 */
interface Stretch {
  readonly tree: RolloutTree;
  /** The first edge of the rollout that each edge belongs to; a branch is a rollout of its own. */
  readonly first: readonly TreeEdge[];
  /** States after a tool result, by depth, then in the order in which their rollouts began. */
  readonly candidates: readonly TreeNode[];
}

/**
 * Initial rollouts; then, turn after turn, at most one branch per running rollout that has just read a tool result;
 * when none is running any more, one fresh rollout at a time, with branches of its own; until there are n.
 *
 * Rollouts are whole when this is asked. That changes nothing: whether a rollout branches in turn k depends on what
 * happened up to k alone (and on its next action with 'reaction'), and on how much of the budget earlier turns left.
 * So turns are decided afterwards, one after the other, each call of the plan going on to the next turn in which
 * something branches.
 */
export function arpoPlan(tree: RolloutTree, options: PlanOptions, random: Random): readonly ForkPoint[] {
  const { rollouts, initial } = options;
  if (tree.edges.length === 0) {
    return Array.from({ length: Math.min(initial, rollouts) }, () => ({ node: 0 }));
  }
  const left = rollouts - tree.edges.filter(({ start }) => start).length;
  if (left <= 0) return [];
  const stretch = lastStretch(tree);
  let points: ForkPoint[] = [];
  let depth = 0;
  for (const node of stretch.candidates) {
    if (node.depth > depth && points.length > 0) break;
    depth = node.depth;
    if (points.length === left) break;
    if (branches(stretch, node, options, random)) points = [...points, { node: node.id }];
  }
  return points.length > 0 ? points : [{ node: 0 }];
}

function lastStretch(tree: RolloutTree): Stretch {
  const first: TreeEdge[] = [];
  // Parents come before children.
  for (const edge of tree.edges) {
    first.push(edge.start ? edge : first[tree.nodes[edge.from]!.parent!]!);
  }
  const starts = tree.edges.filter(({ start }) => start);
  const began = starts.findLast(({ from }) => from === 0)!.round;
  // Branches leave states after the root; the deepest one is in the turn that was decided last.
  const decided = starts
    .filter(({ round }) => round >= began)
    .reduce((deepest, { from }) => Math.max(deepest, tree.nodes[from]!.depth), 0);
  const candidates = tree.nodes.filter(({ end, parent, depth }) => {
    const into = parent === undefined ? undefined : tree.edges[parent]!;
    return end === 'open' && into?.tool === true && depth > decided && first[into.id]!.round >= began;
  });
  return {
    tree,
    first,
    candidates: candidates.toSorted(
      (a, b) => a.depth - b.depth || first[a.parent!]!.id - first[b.parent!]!.id,
    ),
  };
}

function branches(stretch: Stretch, node: TreeNode, options: PlanOptions, random: Random): boolean {
  const { alpha, beta, rule, threshold } = options;
  const raw = alpha + beta * entropyRise(stretch, node, options);
  if (rule === 'threshold') return raw > threshold;
  const probability = Math.min(Math.max(raw, 0), 1);
  return random.categorical([probability, 1 - probability]) === 0;
}

/** dH = H now - H at first. */
function entropyRise({ tree, first }: Stretch, node: TreeNode, options: PlanOptions): number {
  const call = tree.edges[node.parent!]!;
  // The released code compares with the first action that the rollout itself took, a branch's included.
  if (options.entropyOf === 'call') return entropy(call, options) - entropy(first[call.id]!, options);
  // The paper with the start of the trajectory, which a branch shares. No branch has left this state yet.
  const reaction = tree.edges[node.children[0]!]!;
  let opening = call;
  while (opening.from !== 0) opening = tree.edges[tree.nodes[opening.from]!.parent!]!;
  return entropy(reaction, options) - entropy(opening, options);
}

/** H: the entropies of the first tokens summed, over ln |V|. */
function entropy({ entropies }: TreeEdge, { tokens, vocabulary }: PlanOptions): number {
  return entropies.slice(0, tokens).reduce((sum, value) => sum + value, 0) / Math.log(vocabulary);
}
