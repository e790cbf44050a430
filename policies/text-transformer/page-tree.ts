import { PAGE } from '../tensor/page-store.ts';

/** A page of a context: up to `PAGE` ids after those of its ancestors. */
export interface PageNode {
  readonly page: number;
  readonly parent: PageNode | undefined;
  readonly depth: number;
  readonly tokens: Int32Array;
  readonly children: PageNode[];
  /** Ids that the page holds or is about to hold. */
  count: number;
  /** Of these, how many have their keys and values. */
  ready: number;
  /** Branches in use that go through the page. */
  users: number;
  /** A branch in use appends to it. */
  owned: boolean;
  /** When it was last used. */
  stamp: number;
}

/** A context in use: its pages from the first to the last, which only this branch appends to. */
export interface Branch {
  readonly nodes: PageNode[];
  /** Ids in the context. */
  length: number;
}

/** Where the pages are kept. */
export interface PageSource {
  /** Pages there are. Ids run from 0. */
  readonly size: number;
  grow(): void;
  copy(from: number, to: number): void;
}

/**
 * The contexts whose keys and values are kept, as a tree of pages: what contexts have in common is there once, up to
 * whole pages. Found by content.
 */
export interface PageTree {
  /**
   * A branch for a context, and how many of its ids have their keys and values already (`cached`, always less than
   * all). The caller computes the rest before any other use, in the order in which branches were opened.
   */
  open(ids: Int32Array): { readonly branch: Branch; readonly cached: number };
  /** Another branch with the same context. What `branch` holds must be ready. */
  fork(branch: Branch): Branch;
  /** Appends an id to a branch; its keys and values are to be computed next. */
  append(branch: Branch, id: number): void;
  /** All that was opened and appended has its keys and values now. */
  settle(): void;
  /** Ends the use of all branches. Their pages stay until the space is needed, the longest unused first. */
  release(): void;
  /** Forgets everything. */
  clear(): void;
}

/** @param capacity pages, at least 1; more are made where branches in use alone need more. */
export function createPageTree(source: PageSource, capacity: number): PageTree {
  let now = 0;
  let root: PageNode[] = [];
  let free: number[] = [];
  let all = new Set<PageNode>();
  let used: PageNode[] = [];
  let waiting: PageNode[] = [];

  const childrenOf = (parent: PageNode | undefined): PageNode[] => parent?.children ?? root;

  const evict = (): void => {
    // A page is used whenever one below it is, so in this order every page comes after those below it.
    const idle = [...all].filter(({ users }) => users === 0);
    idle.sort((a, b) => a.stamp - b.stamp || b.depth - a.depth);
    for (const node of idle.slice(0, Math.max(1, all.size >> 3))) {
      const siblings = childrenOf(node.parent);
      siblings.splice(siblings.indexOf(node), 1);
      all.delete(node);
      free.push(node.page);
    }
  };
  const takePage = (): number => {
    if (free.length === 0 && source.size >= capacity) evict();
    if (free.length === 0) {
      const from = source.size;
      source.grow();
      for (let page = source.size - 1; page >= from; page--) free.push(page);
    }
    return free.pop()!;
  };
  const hold = (node: PageNode): void => {
    node.users++;
    node.stamp = now;
    used.push(node);
  };
  const addPage = ({ nodes }: Branch): PageNode => {
    const parent = nodes.at(-1);
    const node: PageNode = {
      page: takePage(),
      parent,
      depth: nodes.length,
      tokens: new Int32Array(PAGE),
      children: [],
      count: 0,
      ready: 0,
      users: 0,
      owned: true,
      stamp: now,
    };
    childrenOf(parent).push(node);
    all.add(node);
    hold(node);
    nodes.push(node);
    return node;
  };
  const append = (branch: Branch, id: number): void => {
    let node = branch.nodes.at(-1);
    if (node === undefined || node.count === PAGE) node = addPage(branch);
    if (node.count === node.ready) waiting.push(node);
    node.tokens[node.count++] = id;
    branch.length++;
  };
  /** A copy of the first ids of a page, as the last page of the branch. */
  const copyStart = (branch: Branch, from: PageNode, count: number): void => {
    hold(from);
    const node = addPage(branch);
    source.copy(from.page, node.page);
    node.tokens.set(from.tokens.subarray(0, count));
    node.count = count;
    node.ready = count;
    branch.length += count;
  };

  return {
    open: (ids) => {
      const branch: Branch = { nodes: [], length: 0 };
      // The last id is always read: its logits are wanted.
      const limit = ids.length - 1;
      for (;;) {
        const { node, shared } = closest(childrenOf(branch.nodes.at(-1)), ids, branch.length, limit);
        if (node === undefined) break;
        if (shared === PAGE) {
          hold(node);
          branch.nodes.push(node);
          branch.length += PAGE;
          continue;
        }
        if (shared === node.count && !node.owned) {
          node.owned = true;
          hold(node);
          branch.nodes.push(node);
          branch.length += shared;
        } else {
          copyStart(branch, node, shared);
        }
        break;
      }
      const cached = branch.length;
      for (let index = cached; index < ids.length; index++) append(branch, ids[index]!);
      return { branch, cached };
    },
    fork: ({ nodes, length }) => {
      const last = nodes.at(-1)!;
      if (last.count === PAGE) {
        for (const node of nodes) hold(node);
        return { nodes: [...nodes], length };
      }
      const branch: Branch = { nodes: nodes.slice(0, -1), length: length - last.count };
      for (const node of branch.nodes) hold(node);
      copyStart(branch, last, last.count);
      return branch;
    },
    append,
    settle: () => {
      for (const node of waiting) node.ready = node.count;
      waiting = [];
    },
    release: () => {
      for (const node of used) {
        node.users = 0;
        node.owned = false;
      }
      used = [];
      now++;
    },
    clear: () => {
      root = [];
      all = new Set();
      used = [];
      waiting = [];
      free = Array.from({ length: source.size }, (_, index) => source.size - 1 - index);
    },
  };
}

/**
 * The page that continues a context the farthest: all of it, or else as many ids as are ready. No further than
 * `limit` ids in all. Among equals the first that may be appended to.
 */
function closest(
  pages: readonly PageNode[],
  ids: Int32Array,
  from: number,
  limit: number,
): { readonly node: PageNode | undefined; readonly shared: number } {
  let best: PageNode | undefined;
  let shared = 0;
  let appendable = false;
  for (const node of pages) {
    const { tokens, count } = node;
    const end = Math.min(count, limit - from);
    let same = 0;
    while (same < end && tokens[same] === ids[from + same]) same++;
    if (same < PAGE) same = Math.min(same, node.ready);
    const continues = same === node.count && !node.owned;
    if (same > shared || (same === shared && same > 0 && continues && !appendable)) {
      best = node;
      shared = same;
      appendable = continues;
    }
  }
  return { node: best, shared };
}
