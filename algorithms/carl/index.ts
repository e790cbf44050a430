import { z } from 'zod';
import type { Algorithm, CreditedAction, ForkPoint } from '../algorithm.ts';
import { objectiveOptions, toObjective } from '../options.ts';
import type { RolloutTree, TreeEdge, TreeNode } from '../tree.ts';
import { nodeValues } from '../values.ts';

/** CARL's options with the given N0; everything else is the same for CARL and CARL-Lite. */
export function carlSchema(defaults: { initial: number }) {
  return z
    .strictObject({
      /** N0: rollouts from the start before forking begins. */
      initial: z.int().min(1).max(4096).default(defaults.initial),
      /** N: forks, one after the other, each from the most uncertain state so far. */
      forks: z.int().min(0).max(4096).default(16),
      /**
       * Uncertainty of a sampled action: 'surprisal' is its mean token negative log-likelihood (Eq. 6-8, as
       * published), 'exact' the mean entropy of the distribution that it was drawn from.
       */
      entropy: z.enum(['surprisal', 'exact']).default('surprisal'),
      /**
       * Which actions are trained: 'forked' those that leave a state chosen as a fork point (reproduces the
       * published counts); 'siblings' Eq. 13 to the letter; 'phase2_only' actions sampled after forking began,
       * where they have siblings; 'all_inherit' every action, those without siblings with the advantage of
       * the action before (the paper's ablation).
       */
      updateRule: z.enum(['forked', 'siblings', 'phase2_only', 'all_inherit']).default('forked'),
      ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }),
    })
    .prefault({});
}

export type CarlOptions = z.infer<ReturnType<typeof carlSchema>>;

/** Algorithm 1: N0 rollouts from the start, then N times one from the state of greatest h / n (Eq. 12). */
export function carlPlan(tree: RolloutTree, options: CarlOptions): readonly ForkPoint[] {
  if (tree.edges.length === 0) return Array.from({ length: options.initial }, () => ({ node: 0 }));
  const forks = tree.edges.filter((edge) => edge.start && edge.round > 0).length;
  if (forks >= options.forks) return [];
  let best: TreeNode | undefined;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const node of tree.nodes) {
    if (node.end !== 'open') continue; // an ended episode has no action to fork
    const count = node.children.length;
    const uncertainty = node.children.reduce(
      (sum, edge) => sum + actionUncertainty(tree.edges[edge]!, options.entropy),
      0,
    );
    const score = uncertainty / count / count;
    if (score > bestScore) {
      best = node;
      bestScore = score;
    }
  }
  return best === undefined ? [] : [{ node: best.id }];
}

/** h(Y), Eq. 7: the mean over the action's tokens. */
function actionUncertainty(edge: TreeEdge, entropy: CarlOptions['entropy']): number {
  const values = entropy === 'surprisal' ? edge.logProbs : edge.entropies;
  const sum = values.reduce((total, value) => total + value, 0);
  return (entropy === 'surprisal' ? -sum : sum) / values.length;
}

/** Eq. 9-11 and 13: unweighted child means, child minus parent, on the edges that the update rule keeps. */
export function carlCredit(
  tree: RolloutTree,
  index: number,
  options: CarlOptions,
): readonly CreditedAction[] {
  const values = nodeValues(tree, 'children');
  const advantage = (edge: TreeEdge): number => values[edge.to]! - values[edge.from]!;
  const actions: CreditedAction[] = [];
  const inherited = new Float64Array(tree.edges.length);
  for (const edge of tree.edges) {
    const siblings = tree.nodes[edge.from]!.children;
    const branching = siblings.length > 1;
    let credit = advantage(edge);
    if (options.updateRule === 'all_inherit') {
      const before = tree.nodes[edge.from]!.parent;
      if (!branching) credit = before === undefined ? 0 : inherited[before]!;
      inherited[edge.id] = credit;
    } else if (!branching) {
      continue;
    } else if (options.updateRule === 'forked') {
      if (!siblings.some((id) => tree.edges[id]!.start && tree.edges[id]!.round > 0)) continue;
    } else if (options.updateRule === 'phase2_only' && edge.round === 0) {
      continue;
    }
    // One row of the loss per action.
    actions.push({ tree: index, edge: edge.id, advantage: credit, sequence: `${index}/${edge.id}` });
  }
  return actions;
}

/** CARL with the given id and number of initial rollouts. */
export function carlFamily(id: string, title: string, initial: number): Algorithm<CarlOptions> {
  return {
    id,
    description: { title, paper: 'arXiv 2512.04949', granularity: 'action', evidence: 'transcription' },
    schema: carlSchema({ initial }),
    next: carlPlan,
    credit: (trees, options) => ({
      actions: trees.flatMap((tree, index) => carlCredit(tree, index, options)),
    }),
    objective: toObjective,
  };
}

/** Criticality-Aware Agentic RL (arXiv 2512.04949) with N0 = 8. */
export const carl = carlFamily('carl', 'Criticality-Aware Agentic RL', 8);
