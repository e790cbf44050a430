import { rlooAdvantages } from '../rloo/index.ts';
import { leaves, type RolloutTree, type TreeEdge } from '../tree.ts';

/** The action that the token before a fork was sampled in: follows actions that were themselves forked. */
export function forkOrigin(tree: RolloutTree, edge: number, tokens: number): number {
  let at = tree.edges[edge]!;
  while (at.shared !== undefined && tokens <= at.shared.tokens) at = tree.edges[at.shared.edge]!;
  return at.id;
}

/** Sum of r' over the leaves whose trajectories go through a token, and their number. */
interface Through {
  readonly sums: Float64Array;
  readonly counts: Float64Array;
}

/** Per token of every edge; tokens shared with an earlier action are looked up there. */
function leavesThroughTokens(tree: RolloutTree, ends: readonly number[], rewards: readonly number[]) {
  const below = { sums: new Float64Array(tree.nodes.length), counts: new Float64Array(tree.nodes.length) };
  for (const [i, node] of ends.entries()) {
    below.sums[node] = rewards[i]!;
    below.counts[node] = 1;
  }
  for (const edge of tree.edges.toReversed()) {
    below.sums[edge.from]! += below.sums[edge.to]!;
    below.counts[edge.from]! += below.counts[edge.to]!;
  }
  const through = tree.edges.map(
    ({ tokens, to }): Through => ({
      sums: new Float64Array(tokens.length).fill(below.sums[to]!),
      counts: new Float64Array(tokens.length).fill(below.counts[to]!),
    }),
  );
  // Backwards: the forks of a fork are in its own totals before it is added to where it comes from.
  for (const { id, shared } of tree.edges.toReversed()) {
    if (shared === undefined) continue;
    const own = through[id]!;
    const origin = through[forkOrigin(tree, shared.edge, shared.tokens)]!;
    for (let t = 0; t < shared.tokens; t++) {
      origin.sums[t]! += own.sums[shared.tokens]!;
      origin.counts[t]! += own.counts[shared.tokens]!;
    }
  }
  return { below, through };
}

/** A node of the method's tree: the tokens between two forks. */
interface Segment {
  readonly count: number;
  readonly value: number;
  readonly advantage: number;
}

/** The edge that a token was sampled in. */
function ownerOf(tree: RolloutTree, edge: TreeEdge, token: number): number {
  return forkOrigin(tree, edge.id, token + 1);
}

/**
 * The step reward of every token: ((V - V_root) + (V - V_parent)) / sqrt(|L|). A node is what lies between two
 * forks, tokens of several actions where nothing forks between them; V is the mean of r' over its leaves L, each
 * leaf counting once; r' is a leaf's return minus the mean of the others.
 * @returns per edge, one value per token.
 */
export function segmentAdvantages(tree: RolloutTree): readonly (readonly number[])[] {
  const ends = leaves(tree);
  const { below, through } = leavesThroughTokens(
    tree,
    ends.map((leaf) => leaf.id),
    rlooAdvantages(ends.map((leaf) => leaf.return)),
  );
  const rootValue = below.sums[0]! / below.counts[0]!;
  const root: Segment = { count: below.counts[0]!, value: rootValue, advantage: 0 };
  // The segment at the end of every edge; parents have lower ids.
  const last: Segment[] = [];
  return tree.edges.map((edge) => {
    const before = tree.nodes[edge.from]!.parent;
    let segment = before === undefined ? root : last[before]!;
    const values = edge.tokens.map((_, t) => {
      const { sums, counts } = through[ownerOf(tree, edge, t)]!;
      // Fewer leaves than before: some left at a fork, and a new node begins.
      if (counts[t]! !== segment.count) {
        const value = sums[t]! / counts[t]!;
        const advantage = (value - rootValue + (value - segment.value)) / Math.sqrt(counts[t]!);
        segment = { count: counts[t]!, value, advantage };
      }
      return segment.advantage;
    });
    last[edge.id] = segment;
    return values;
  });
}
