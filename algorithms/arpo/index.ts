import { z } from 'zod';
import type { Algorithm } from '../algorithm.ts';
import { grpoAdvantages } from '../grpo/index.ts';
import { mean } from '../shared/group.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree } from '../tree.ts';
import { arpoPlan } from './plan.ts';

const schema = z
  .strictObject({
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
    /** Of actions that several leaves share: each leaf's advantage in its own row ('soft'), or their mean ('hard'). */
    advantage: z.enum(['soft', 'hard']).default('soft'),
    /** Added to the standard deviation. */
    epsilon: z.number().min(0).default(1e-6),
    ...objectiveOptions({ aggregation: 'token-mean' }),
  })
  .prefault({});

export type ArpoOptions = z.infer<typeof schema>;

/**
 * GRPO over the question's leaves, every leaf one sequence of all its actions, shared ones included.
 * @returns for every leaf the advantage of each of its actions.
 */
export function arpoAdvantages(tree: RolloutTree, options: ArpoOptions): readonly (readonly number[])[] {
  const ends = leaves(tree);
  const advantages = grpoAdvantages(
    ends.map((leaf) => leaf.return),
    { epsilon: options.epsilon, std: 'sample', singleton: 'raw' },
  );
  const paths = ends.map((leaf) => path(tree, leaf));
  if (options.advantage === 'soft') return paths.map((edges, i) => edges.map(() => advantages[i]!));
  const through = new Map<number, number[]>();
  for (const [i, edges] of paths.entries()) {
    for (const { id } of edges) through.set(id, [...(through.get(id) ?? []), advantages[i]!]);
  }
  return paths.map((edges) => edges.map(({ id }) => mean(through.get(id)!)));
}

/** Agentic Reinforced Policy Optimization (arXiv 2507.19849). */
export const arpo: Algorithm<ArpoOptions> = {
  id: 'arpo',
  description: {
    title: 'Agentic Reinforced Policy Optimization',
    paper: 'arXiv 2507.19849',
    granularity: 'trajectory',
    evidence: 'code',
    extraSamples: 'branches after tool results',
  },
  schema,
  next: arpoPlan,
  credit: (trees, options) => ({
    actions: trees.flatMap((tree, index) => {
      const advantages = arpoAdvantages(tree, options);
      return leaves(tree).flatMap((leaf, i) =>
        path(tree, leaf).map((edge, t) => ({
          tree: index,
          edge: edge.id,
          advantage: advantages[i]![t]!,
          sequence: `${index}/${leaf.id}`,
        })),
      );
    }),
  }),
  objective: toObjective,
  // Half of them from the start, as in the defaults.
  budget: (rollouts) => ({ rollouts, initial: Math.ceil(rollouts / 2) }),
};
