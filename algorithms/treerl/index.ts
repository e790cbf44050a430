import { z } from 'zod';
import { shuffled } from '../../core/random.ts';
import type { Algorithm, ForkPoint } from '../algorithm.ts';
import { byQuestion, trajectoryRows } from '../shared/flat.ts';
import { leavesPerTree, treeOfEdges } from '../shared/forest.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, type RolloutTree } from '../tree.ts';
import { forkOrigin, segmentAdvantages } from './segments.ts';

const schema = z
  .strictObject({
    /** m: initial rollouts, the trees of a question. */
    trees: z.int().min(1).max(1024).default(6),
    /** n: tokens forked per tree and round. */
    tokens: z.int().min(1).max(1024).default(2),
    /** l: rounds of forking. */
    rounds: z.int().min(0).max(64).default(1),
    /** t: rollouts from every fork. */
    branches: z.int().min(1).max(1024).default(2),
    /** Leaves of a question that are trained, drawn at random where it has more. */
    selected: z.int().min(1).max(65_536).default(16),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }),
  })
  .prefault({});

export type TreeRlOptions = z.infer<typeof schema>;

/** A token that could be drawn again. */
interface Candidate {
  readonly point: ForkPoint;
  readonly surprisal: number;
  readonly forked: boolean;
}

/**
 * EPTree: m rollouts; then l times, in every tree, t rollouts from before each of the n tokens of the greatest
 * -log p. Tokens that were forked already come after all others; where a tree has fewer than n tokens, the
 * ranking is gone through again.
 */
export function treeRlPlan(tree: RolloutTree, options: TreeRlOptions): readonly ForkPoint[] {
  if (tree.edges.length === 0) return Array.from({ length: options.trees }, () => ({ node: 0 }));
  const round = 1 + tree.edges.reduce((latest, edge) => Math.max(latest, edge.round), 0);
  if (round > options.rounds) return [];
  return candidates(tree, options).flatMap((ranked) =>
    Array.from({ length: options.tokens }, (_, i) => ranked[i % ranked.length]!.point).flatMap((point) =>
      Array.from({ length: options.branches }, () => point),
    ),
  );
}

/** The tokens of each tree, best first. */
function candidates(tree: RolloutTree, options: TreeRlOptions): readonly (readonly Candidate[])[] {
  const treeOf = treeOfEdges(tree, options.tokens * options.branches);
  const keyOf = (edge: number, token: number): string => {
    const origin = forkOrigin(tree, edge, token);
    // The first token of an action is drawn again by forking the state; other trees may do the same at the root.
    return token === 0
      ? `${treeOf[edge]} node ${tree.edges[edge]!.from}`
      : `${treeOf[edge]} edge ${origin} ${token}`;
  };
  const forked = new Set<string>();
  for (const { id, start, round, shared } of tree.edges) {
    if (start && round > 0) forked.add(keyOf(id, shared?.tokens ?? 0));
  }
  const result: Candidate[][] = Array.from({ length: options.trees }, () => []);
  for (const edge of tree.edges) {
    // The tokens that an action shares with another are candidates of that one.
    for (let token = edge.shared?.tokens ?? 0; token < edge.tokens.length; token++) {
      result[treeOf[edge.id]!]!.push({
        point: token === 0 ? { node: edge.from } : { edge: edge.id, tokens: token },
        surprisal: -edge.logProbs[token]!,
        forked: forked.has(keyOf(edge.id, token)),
      });
    }
  }
  for (const list of result) {
    list.sort((a, b) => Number(a.forked) - Number(b.forked) || b.surprisal - a.surprisal);
  }
  return result;
}

/** TreeRL: on-policy tree search (arXiv 2506.11902), forks before tokens where actions have several. */
export const treeRl: Algorithm<TreeRlOptions> = {
  id: 'treerl',
  description: {
    title: 'TreeRL',
    paper: 'arXiv 2506.11902',
    granularity: 'token',
    evidence: 'reconstruction',
    extraSamples: 'uncertain tokens',
    trained: 'selected leaves',
  },
  schema,
  next: treeRlPlan,
  credit: byQuestion((tree, index, options, random) => {
    const ends = leaves(tree);
    const selected =
      ends.length <= options.selected
        ? ends
        : shuffled(ends, random.split('select', index)).slice(0, options.selected);
    const advantages = segmentAdvantages(tree);
    return trajectoryRows(tree, index, (_, { id }) => ({ advantage: advantages[id]! }), selected);
  }),
  objective: toObjective,
  // Five leaves per tree and 16 of 30 trained as in the defaults, where that divides the budget.
  budget: (rollouts) => {
    const size = leavesPerTree(rollouts, 5);
    const branches = size > 3 && size % 2 === 1 ? 2 : 1;
    return {
      trees: rollouts / size,
      tokens: (size - 1) / branches,
      rounds: 1,
      branches,
      selected: Math.max(1, Math.round((rollouts * 16) / 30)),
    };
  },
};
