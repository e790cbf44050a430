import { z } from 'zod';
import type { Random } from '../../core/random.ts';
import { mean } from '../../core/statistics.ts';
import type { Algorithm, CreditedAction, ForkPoint } from '../algorithm.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { nodeValues } from '../shared/values.ts';
import { type RolloutTree, returnsOf, type TreeEdge, type TreeNode } from '../tree.ts';

/** CARL's options with the given N0; everything else is the same for CARL and CARL-Lite. */
export function carlSchema(defaults: { initial: number; entropy?: 'surprisal' | 'exact' | 'random' }) {
  return z
    .strictObject({
      /** N0: rollouts from the start before forking begins. */
      initial: z.int().min(1).max(4096).default(defaults.initial),
      /** N: forks, one after the other, each from the most uncertain state so far. */
      forks: z.int().min(0).max(4096).default(16),
      /**
       * What a state's uncertainty is estimated from: 'surprisal' is the mean token negative log-likelihood of
       * its sampled actions (Eq. 6-8, as published), 'exact' the mean entropy of the distributions that they
       * were drawn from. 'random' forks any state that has not ended, each equally likely (the ablation).
       */
      entropy: z.enum(['surprisal', 'exact', 'random']).default(defaults.entropy ?? 'surprisal'),
      /**
       * Which actions are trained: 'forked' those that leave a state chosen as a fork point (reproduces the
       * published counts); 'siblings' Eq. 13 to the letter; 'phase2_only' actions sampled after forking began,
       * where they have siblings; 'all_inherit' every action, those without siblings with the advantage of
       * the action before (the paper's ablation).
       */
      updateRule: z.enum(['forked', 'siblings', 'phase2_only', 'all_inherit']).default('forked'),
      /**
       * What an action is compared with: 'action' the value of the state that it leaves (Eq. 11); 'outcome' the
       * mean return of all the question's rollouts, so that it is paid for how they ended (the ablation).
       */
      credit: z.enum(['action', 'outcome']).default('action'),
      /** A state's value: 'children' the mean over its children (Eq. 10), 'leaves' over its leaves (TreeRL). */
      values: z.enum(['children', 'leaves']).default('children'),
      ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }),
    })
    .prefault({});
}

export type CarlOptions = z.infer<ReturnType<typeof carlSchema>>;

/** Algorithm 1: N0 rollouts from the start, then N times one from the state of greatest h / n (Eq. 12). */
export function carlPlan(tree: RolloutTree, options: CarlOptions, random: Random): readonly ForkPoint[] {
  if (tree.edges.length === 0) return Array.from({ length: options.initial }, () => ({ node: 0 }));
  const forks = tree.edges.filter((edge) => edge.start && edge.round > 0).length;
  if (forks >= options.forks) return [];
  if (options.entropy === 'random') {
    const open = tree.nodes.filter((node) => node.end === 'open');
    return [{ node: open[random.integer(open.length)]!.id }];
  }
  let best: TreeNode | undefined;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const node of tree.nodes) {
    if (node.end !== 'open') continue; // an ended episode has no action to fork
    const count = node.children.length;
    const uncertainty = node.children.reduce(
      (sum, edge) => sum + actionUncertainty(tree.edges[edge]!, options.entropy === 'exact'),
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
function actionUncertainty(edge: TreeEdge, exact: boolean): number {
  const sum = (exact ? edge.entropies : edge.logProbs).reduce((total, value) => total + value, 0);
  return (exact ? sum : -sum) / edge.tokens.length;
}

/**
 * Eq. 9-11 and 13: unweighted child means, child minus parent, on the edges that the update rule keeps; and the
 * ablations of `credit` and `values`.
 */
export function carlCredit(
  tree: RolloutTree,
  index: number,
  options: CarlOptions,
): readonly CreditedAction[] {
  const values = nodeValues(tree, options.values);
  const outcome = options.credit === 'outcome' ? mean(returnsOf(tree)) : undefined;
  const advantage = (edge: TreeEdge): number => values[edge.to]! - (outcome ?? values[edge.from]!);
  const branching = Uint8Array.from(tree.nodes, ({ children }) => (children.length > 1 ? 1 : 0));
  const forked = options.updateRule === 'forked' ? forkedNodes(tree) : undefined;
  const inherited = options.updateRule === 'all_inherit' ? new Float64Array(tree.edges.length) : undefined;
  const actions: CreditedAction[] = [];
  for (const edge of tree.edges) {
    let credit: number;
    if (inherited !== undefined) {
      const { parent } = tree.nodes[edge.from]!;
      credit = branching[edge.from] === 1 ? advantage(edge) : parent === undefined ? 0 : inherited[parent]!;
      inherited[edge.id] = credit;
    } else if (
      branching[edge.from] === 0 ||
      forked?.[edge.from] === 0 ||
      (options.updateRule === 'phase2_only' && edge.round === 0)
    ) {
      continue;
    } else {
      credit = advantage(edge);
    }
    // One row of the loss per action.
    actions.push({ tree: index, edge: edge.id, advantage: credit, sequence: `${index}/${edge.id}` });
  }
  return actions;
}

/** 1 for every node that was chosen as a fork point, index = node id. */
function forkedNodes(tree: RolloutTree): Uint8Array {
  const forked = new Uint8Array(tree.nodes.length);
  for (const { start, round, from } of tree.edges) if (start && round > 0) forked[from] = 1;
  return forked;
}

/** A member of the family: CARL with other defaults. */
export function carlFamily(
  id: string,
  title: string,
  defaults: Parameters<typeof carlSchema>[0],
  evidence: 'transcription' | 'reconstruction' = 'transcription',
): Algorithm<CarlOptions> {
  return {
    id,
    description: {
      title,
      paper: 'arXiv 2512.04949',
      granularity: 'action',
      evidence,
      extraSamples: 'forks at uncertain states',
      trained: 'actions at forked states',
    },
    schema: carlSchema(defaults),
    next: carlPlan,
    credit: (trees, options) => {
      const actions = trees.map((tree, index) => carlCredit(tree, index, options));
      return { actions: actions.length === 1 ? actions[0]! : actions.flat() };
    },
    objective: toObjective,
    // Keeps the proportions of the defaults: N0 : N = 8 : 16, or a single initial rollout.
    budget: (rollouts) => {
      const initial = defaults.initial === 1 ? 1 : Math.max(1, Math.round(rollouts / 3));
      return { initial, forks: rollouts - initial };
    },
  };
}

/** Criticality-Aware Agentic RL (arXiv 2512.04949) with N0 = 8. */
export const carl = carlFamily('carl', 'Criticality-Aware Agentic RL', { initial: 8 });
