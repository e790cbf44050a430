import { InputError } from '../../../../core/errors.ts';
import type { Where } from '../checked.ts';
import type { GraphNode, TraceRecord } from './record.ts';

/** Tokens that a trace's branches may have together, what they share counted in each: 64 million. */
const MAX_TOKENS = 2 ** 26;

/** Tokens of one node in a row of which the policy sampled all or none. A node without ids is one run of none. */
export interface Run {
  readonly node: number;
  readonly from: number;
  readonly to: number;
  /** Sampled tokens of the node before it. */
  readonly sampledBefore: number;
}

/** One action of a branch, and the runs that were read before it. */
export interface BranchTurn {
  readonly action: Run;
  readonly read: readonly Run[];
}

/** A path from a root to a leaf: one rollout. */
export interface Branch {
  readonly turns: readonly BranchTurn[];
  /** The earlier branch whose first `turns` turns it shares, with what was read after them. */
  readonly fork: { readonly branch: number; readonly turns: number } | undefined;
}

/**
 * The branches of a trace that are trained on, in the order of verifiers: by the index of the leaf. Without those that no
 * action is in, and attempts at a compaction that were not gone on with.
 * @throws InputError when they are longer together than 64 million tokens.
 */
export function branchesOf({ nodes }: TraceRecord, where: Where): readonly Branch[] {
  const isParent = new Uint8Array(nodes.length);
  for (const { parent } of nodes) if (parent !== undefined) isParent[parent] = 1;
  const accepted = new Set(
    nodes.flatMap(({ links }) => links.filter(({ type }) => type === 'compaction').map(({ node }) => node)),
  );
  /** The first branch that a node is in. */
  const owner = new Int32Array(nodes.length).fill(-1);
  const branches: Branch[] = [];
  let size = 0;
  for (const leaf of nodes.keys()) {
    if (isParent[leaf] === 1) continue;
    const isAttempt = nodes[leaf]!.links.some(({ type }) => type === 'compaction_attempt');
    if (isAttempt && !accepted.has(leaf)) continue;
    const path = pathTo(nodes, leaf);
    size += path.reduce((sum, at) => sum + nodes[at]!.ids.length + 1, 0);
    if (size > MAX_TOKENS) {
      throw new InputError(
        `${where}: the branches of nodes have more than ${MAX_TOKENS} tokens together; valid: fewer`,
      );
    }
    const turns = turnsOf(nodes, path);
    if (turns.length === 0) continue;
    const left = path.findLast((at) => owner[at] !== -1);
    const fork = left === undefined ? undefined : forkFrom(nodes, branches, owner[left]!, turns);
    for (const at of path) if (owner[at] === -1) owner[at] = branches.length;
    branches.push({ turns, fork });
  }
  return branches;
}

function pathTo(nodes: readonly GraphNode[], leaf: number): readonly number[] {
  const path: number[] = [];
  for (let at: number | undefined = leaf; at !== undefined; at = nodes[at]!.parent) path.push(at);
  return path.reverse();
}

function turnsOf(nodes: readonly GraphNode[], path: readonly number[]): readonly BranchTurn[] {
  const turns: BranchTurn[] = [];
  let read: Run[] = [];
  for (const node of path) {
    const { ids, mask, sampled } = nodes[node]!;
    let sampledBefore = 0;
    const add = (from: number, to: number, isAction: boolean): void => {
      const run = { node, from, to, sampledBefore };
      if (!isAction) read.push(run);
      else {
        turns.push({ action: run, read });
        read = [];
        sampledBefore += to - from;
      }
    };
    if (ids.length === 0) add(0, 0, sampled);
    for (let from = 0; from < ids.length; ) {
      let to = from + 1;
      while (to < ids.length && mask[to] === mask[from]) to++;
      add(from, to, mask[from]!);
      from = to;
    }
  }
  return turns;
}

/** How much of an earlier branch a new one shares: turns after which both also read the same. */
function forkFrom(
  nodes: readonly GraphNode[],
  branches: readonly Branch[],
  branch: number,
  turns: readonly BranchTurn[],
): Branch['fork'] {
  const left = branches[branch]!.turns;
  const most = Math.min(left.length, turns.length) - 1;
  let shared = 0;
  while (
    shared < most &&
    isSame(left[shared]!.action, turns[shared]!.action) &&
    readSame(nodes, left[shared]!, turns[shared]!) &&
    readSame(nodes, left[shared + 1]!, turns[shared + 1]!)
  ) {
    shared++;
  }
  return shared === 0 ? undefined : { branch, turns: shared };
}

const isSame = (a: Run, b: Run): boolean => a.node === b.node && a.from === b.from && a.to === b.to;

/** The same ids: what a template puts before an action is in the action's own node. */
function readSame(nodes: readonly GraphNode[], a: BranchTurn, b: BranchTurn): boolean {
  const [left, right] = [readOf(nodes, a), readOf(nodes, b)];
  return left.length === right.length && left.every((one, index) => one === right[index]);
}

/** The ids that were read, and the names of messages that have none. */
const readOf = (nodes: readonly GraphNode[], { read }: BranchTurn): readonly (number | string)[] =>
  read.flatMap(({ node, from, to }): readonly (number | string)[] => {
    const { ids, field } = nodes[node]!;
    return ids.length === 0 ? [field] : ids.slice(from, to);
  });
