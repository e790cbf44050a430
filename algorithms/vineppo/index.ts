import { z } from 'zod';
import { mean } from '../../core/statistics.ts';
import type { Algorithm, Credit, ForkPoint } from '../algorithm.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { whiten } from '../shared/whitening.ts';
import type { RolloutTree, TreeEdge } from '../tree.ts';

const schema = z
  .strictObject({
    /** Main rollouts per question, the ones that are trained. */
    rollouts: z.int().min(1).max(1024).default(8),
    /** K: fresh rollouts from every decision point of the main rollouts. */
    samples: z.int().min(1).max(1024).default(9),
    /**
     * All rollouts of a question, main ones included: the rest is dealt evenly over the decision points, in
     * place of K each. For comparisons at equal budget; null: K each.
     */
    limit: z.int().min(2).max(10_000).nullable().default(null),
    /** Whether the advantages of all trained tokens of an iteration are given mean 0 and std 1. */
    whiten: z.boolean().default(true),
    ...objectiveOptions({ aggregation: 'token-mean' }),
  })
  .refine(({ rollouts, limit }) => limit === null || limit > rollouts, {
    path: ['limit'],
    error: 'must be greater than rollouts: the root needs at least one sample',
  })
  .prefault({});

export type VinePpoOptions = z.infer<typeof schema>;

/** Added to the variance, as verl's PPO does. */
const WHITEN_EPSILON = 1e-8;

/** The main rollouts, then the Monte Carlo rollouts from every state that they went through. */
export function vinePpoPlan(tree: RolloutTree, options: VinePpoOptions): readonly ForkPoint[] {
  if (tree.edges.length === 0) return Array.from({ length: options.rollouts }, () => ({ node: 0 }));
  if (tree.edges.some((edge) => edge.round > 0)) return [];
  const open = tree.nodes.filter((node) => node.end === 'open');
  const points = open.toSorted((a, b) => a.depth - b.depth).map((node) => ({ node: node.id }));
  if (options.limit === null) {
    return points.flatMap((point) => Array.from({ length: options.samples }, () => point));
  }
  // From the root down: whether a state gets a sample must not depend on what happened after it.
  return Array.from({ length: options.limit - options.rollouts }, (_, i) => points[i % points.length]!);
}

/**
 * A = r + V(next) - V(here) on the edges of the main rollouts: edge id to advantage. V is the mean over the Monte
 * Carlo rollouts that started in a state, and nothing but rewards already had at an end.
 *
 * With `limit` a state may have no sample. Then the nearest sampled state before it lends its value as a
 * baseline, and the main rollout's own return stands in for V(next). The first does not depend on the action, the
 * second only through what followed it, so neither adds bias.
 */
export function vinePpoAdvantages(tree: RolloutTree): ReadonlyMap<number, number> {
  // Returns of whole episodes throughout: r is then in the difference already.
  const outcomes = tree.nodes.map((node) => node.return);
  // A main edge is older than the samples beside it, so of several the main rollout's return is written last.
  for (const { from, to } of tree.edges.toReversed()) outcomes[from] = outcomes[to]!;
  const values = tree.nodes.map((node) => {
    if (node.end !== 'open') return node.return;
    const samples = node.children.map((id) => tree.edges[id]!).filter(isSample);
    return samples.length === 0 ? undefined : mean(samples.map(({ to }) => outcomes[to]!));
  });
  const baselines = [...values];
  const result = new Map<number, number>();
  for (const { id, round, from, to } of tree.edges) {
    if (round > 0) continue;
    baselines[to] ??= baselines[from]!;
    result.set(id, (values[to] ?? outcomes[to]!) - baselines[from]!);
  }
  return result;
}

/** A rollout that begins with tokens of another action is no sample from the state. */
const isSample = ({ round, shared }: TreeEdge): boolean => round > 0 && shared === undefined;

function credit(trees: readonly RolloutTree[], options: VinePpoOptions): Credit {
  const actions = trees.flatMap((tree, index) => {
    const sequences = mainRollouts(tree);
    return [...vinePpoAdvantages(tree)].map(([edge, advantage]) => ({
      tree: index,
      edge,
      advantage,
      sequence: `${index}/${sequences.get(edge)}`,
    }));
  });
  return options.whiten ? whiten(trees, { actions }, WHITEN_EPSILON) : { actions };
}

/** The first edge of the main rollout that each main edge belongs to. */
function mainRollouts(tree: RolloutTree): ReadonlyMap<number, number> {
  const result = new Map<number, number>();
  for (const { id, round, start, from } of tree.edges) {
    if (round === 0) result.set(id, start ? id : result.get(tree.nodes[from]!.parent!)!);
  }
  return result;
}

/** VinePPO (arXiv 2410.01679): values from fresh rollouts instead of a critic. */
export const vinePpo: Algorithm<VinePpoOptions> = {
  id: 'vineppo',
  description: {
    title: 'VinePPO',
    paper: 'arXiv 2410.01679',
    granularity: 'action',
    evidence: 'code',
    extraSamples: 'K per state',
    trained: 'main rollouts',
  },
  schema,
  next: vinePpoPlan,
  credit,
  lacks: (tree) =>
    tree.edges.some((edge) => edge.from === 0 && isSample(edge))
      ? undefined
      : 'rollouts of a later round from the states that the others went through, the start at least (round)',
  objective: toObjective,
  // The number of decision points is not known before: one main rollout in eight, the rest are samples.
  budget: (rollouts) => ({ rollouts: Math.max(1, Math.round(rollouts / 8)), limit: rollouts }),
};
