import type { RolloutTree } from '../../algorithms/tree.ts';
import type { GrownTree } from '../../bench/trajectories/grow.ts';

/** Where a row stands. */
interface Placed {
  /** Forks before it. */
  readonly depth: number;
  /** Of the first row of a branch: which of how many, counted from 1. */
  readonly branch?: { readonly index: number; readonly of: number };
}

/** What was read at a node. */
export interface ReadRow extends Placed {
  readonly kind: 'read';
  /** A trajectory that came by, and its turn. */
  readonly trajectory: number;
  readonly turn: number;
}

/** Tokens of an action up to its end, or to where others leave it. */
export interface ActionRow extends Placed {
  readonly kind: 'action';
  /** The edges whose tokens these are: several before a fork inside an action. */
  readonly edges: readonly number[];
  readonly turn: number;
  readonly from: number;
  readonly to: number;
  /** Number of its first token among those of all rows. */
  readonly first: number;
  /** The trajectories that go through it. */
  readonly trajectories: readonly number[];
  /** If a trajectory ends here. */
  readonly leaf?: { readonly return: number; readonly isTruncated: boolean };
}

export type TreeRow = ReadRow | ActionRow;

interface Waiting extends Placed {
  /** The node that is to be shown next, or edges that leave one and are alike up to `from`. */
  readonly node?: number;
  readonly edges?: readonly number[];
  readonly from: number;
}

/**
 * A tree from top to bottom: every token once, branches one after the other. Not recursive: trees can be as deep as they
 * have rollouts.
 */
export function rowsOf({ tree, paths }: GrownTree): readonly TreeRow[] {
  const users = usersOf(tree, paths);
  const rows: TreeRow[] = [];
  let first = 0;
  const stack: Waiting[] = [{ node: 0, depth: 0, from: 0 }];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const { depth, from } = at;
    const branch = at.branch === undefined ? {} : { branch: at.branch };
    if (at.node !== undefined) {
      const { children, depth: turn } = tree.nodes[at.node]!;
      if (children.length === 0) continue;
      rows.push({ kind: 'read', depth, ...branch, trajectory: users[children[0]!]![0]!, turn });
      stack.push({ edges: children, depth, from: 0 });
      continue;
    }
    const groups = byToken(tree, at.edges!, from);
    if (groups.length > 1) {
      const branches = groups.map((edges, index) => ({
        ...{ edges, from, depth: depth + 1 },
        branch: { index: index + 1, of: groups.length },
      }));
      stack.push(...branches.reverse());
      continue;
    }
    const edges = at.edges!;
    const to = commonEnd(tree, edges, from);
    const { from: node, to: next } = tree.edges[edges[0]!]!;
    const isWhole = edges.length === 1;
    const { end, return: value } = tree.nodes[next]!;
    const isLeaf = isWhole && end !== 'open';
    rows.push({
      ...{ kind: 'action', depth, ...branch, edges, turn: tree.nodes[node]!.depth, from, to, first },
      trajectories: edges.flatMap((edge) => users[edge]!),
      ...(isLeaf ? { leaf: { return: value, isTruncated: end === 'truncated' } } : {}),
    });
    first += to - from;
    if (!isWhole) stack.push({ edges, depth, from: to });
    else if (!isLeaf) stack.push({ node: next, depth, from: 0 });
  }
  return rows;
}

/** By edge: the trajectories that go through it. */
function usersOf(tree: RolloutTree, paths: GrownTree['paths']): readonly (readonly number[])[] {
  const users = tree.edges.map(() => [] as number[]);
  for (const [trajectory, path] of paths.entries()) for (const edge of path) users[edge]!.push(trajectory);
  return users;
}

/** The edge that sampled a token which others may have copied. */
function sampledBy(tree: RolloutTree, edge: number, token: number): number {
  let at = edge;
  for (let { shared } = tree.edges[at]!; shared !== undefined && token < shared.tokens; ) {
    at = shared.edge;
    ({ shared } = tree.edges[at]!);
  }
  return at;
}

/** Edges in groups that have the same token there. */
function byToken(tree: RolloutTree, edges: readonly number[], token: number): readonly (readonly number[])[] {
  const groups = new Map<number, number[]>();
  for (const edge of edges) {
    const source = sampledBy(tree, edge, token);
    const group = groups.get(source);
    if (group === undefined) groups.set(source, [edge]);
    else group.push(edge);
  }
  return [...groups.values()];
}

/** How far edges go on together from a token that they share: an edge goes on after what it shares. */
function commonEnd(tree: RolloutTree, edges: readonly number[], from: number): number {
  const [one] = edges;
  const { length } = tree.edges[one!]!.tokens;
  if (edges.length === 1) return length;
  let to = from + 1;
  while (to < length && edges.every((edge) => sampledBy(tree, edge, to) === sampledBy(tree, one!, to))) to++;
  return to;
}
