import { z } from 'zod';
import type { Algorithm, ForkPoint } from '../../algorithms/algorithm.ts';
import { nodeValues } from '../../algorithms/shared/values.ts';
import type { RolloutTree, TreeNode } from '../../algorithms/tree.ts';

const schema = z
  .strictObject({
    /** Children of every state. */
    children: z.int().min(2).default(2),
    /** Entropy from which on a state gets one child more; null: none does. */
    threshold: z.number().nullable().default(null),
    /** Divides each advantage by how often its state's kind of history is copied, and undoes (k - 1) / k. */
    weighted: z.boolean().default(false),
    values: z.enum(['children', 'leaves']).default('children'),
  })
  .prefault({});

type ScheduleOptions = z.infer<typeof schema>;

/** How many children a state gets: looks at the state, never at what was sampled there. */
function target(tree: RolloutTree, node: TreeNode, { children, threshold }: ScheduleOptions): number {
  const entropy = tree.edges[node.children[0]!]!.entropies[0]!;
  return children + (threshold !== null && entropy > threshold ? 1 : 0);
}

/** The number of copies of a node's action: the product of the children of all states up to it. */
function copies(tree: RolloutTree, node: TreeNode, options: ScheduleOptions): number {
  const own = target(tree, node, options);
  return node.parent === undefined
    ? own
    : own * copies(tree, tree.nodes[tree.edges[node.parent]!.from]!, options);
}

/**
 * CARL's credit (unweighted child means, child minus parent) on a schedule that is fixed before anything is
 * sampled: every state reached gets its number of children.
 */
export const schedule: Algorithm<ScheduleOptions> = {
  id: 'fixed-schedule',
  description: { title: 'fixed forks', paper: 'none', granularity: 'action', evidence: 'reconstruction' },
  schema,
  next: (tree, options) => {
    if (tree.edges.length === 0) return [{ node: 0 }];
    return tree.nodes.flatMap((node): ForkPoint[] =>
      node.end === 'open'
        ? Array.from({ length: target(tree, node, options) - node.children.length }, () => ({
            node: node.id,
          }))
        : [],
    );
  },
  credit: (trees, options) => ({
    actions: trees.flatMap((tree, index) => {
      const values = nodeValues(tree, options.values);
      return tree.edges.map((edge) => {
        const from = tree.nodes[edge.from]!;
        const k = target(tree, from, options);
        const weight = options.weighted ? k / (k - 1) / copies(tree, from, options) : 1;
        const advantage = weight * (values[edge.to]! - values[edge.from]!);
        return { tree: index, edge: edge.id, advantage, sequence: `${index}/${edge.id}` };
      });
    }),
  }),
  objective: () => ({ clip: { low: 0.2, high: 0.2 }, aggregation: 'token-sum-norm' }),
  budget: (rollouts) => ({ children: rollouts }),
};
