import { z } from 'zod';
import { mean } from '../../core/statistics.ts';
import type { Algorithm } from '../algorithm.ts';
import { grpoAdvantages } from '../grpo/index.ts';
import { byQuestion, trajectoryRows } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree, returnsOf } from '../tree.ts';
import { arpoPlan, planOptions } from './plan.ts';

const schema = z
  .strictObject({
    ...planOptions,
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
  const { epsilon } = options;
  const advantages = grpoAdvantages(returnsOf(tree), { epsilon, std: 'sample', singleton: 'raw' });
  const paths = leaves(tree).map((leaf) => path(tree, leaf));
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
  credit: byQuestion((tree, index, options) => {
    const advantages = arpoAdvantages(tree, options);
    return trajectoryRows(tree, index, (i, _, t) => ({ advantage: advantages[i]![t]! }));
  }),
  objective: toObjective,
  // Half of them from the start, as in the defaults.
  budget: (rollouts) => ({ rollouts, initial: Math.ceil(rollouts / 2) }),
};
