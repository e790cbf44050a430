import { creditByToken, disagreement } from './credit.ts';
import { DEFAULT_LIMITS, type ShownTree, type TreePageInput, type TreePageLimits } from './input.ts';
import { type ActionRow, rowsOf, type TreeRow } from './rows.ts';
import { type Scale, scaleOf } from './scale.ts';

/** A tree with what the page says of it. */
export interface TreeView extends ShownTree {
  readonly rows: readonly TreeRow[];
  /** Tokens of its rows, and of those that are left out. */
  readonly tokens: number;
  readonly leftOut: number;
  /** By method of the page; undefined if it says nothing of this tree. */
  readonly values: readonly (Float64Array | undefined)[];
  readonly disagreement: number;
}

/** All that the page shows. */
export interface PageView {
  readonly trees: readonly TreeView[];
  readonly methods: readonly string[];
  /** By method. */
  readonly scales: readonly Scale[];
  /** Of the entropies. */
  readonly entropies: Scale;
  /** Trees that are left out. */
  readonly leftOut: number;
  readonly limits: TreePageLimits;
}

const isAction = (row: TreeRow): row is ActionRow => row.kind === 'action';

/** The rows in which tokens are. */
export const actionsOf = (rows: readonly TreeRow[]): readonly ActionRow[] => rows.filter(isAction);

/** Chooses what is shown, most disagreement first, and computes what is said of it. */
export function createPageView({ questions, most }: TreePageInput): PageView {
  const limits = { ...DEFAULT_LIMITS, ...most };
  const methods = [...new Set(questions.flatMap(({ credits }) => Object.keys(credits)))];
  const ranked = inOrder(questions.map((tree) => [tree, viewOf(tree, methods).disagreement] as const));
  const trees: TreeView[] = [];
  let left = limits.tokens;
  for (const tree of ranked.slice(0, limits.trees)) {
    if (left <= 0) break;
    // Computed again, so that only what is shown is in memory.
    trees.push(cut(viewOf(tree, methods), left));
    left -= trees.at(-1)!.tokens;
  }
  return {
    trees,
    methods,
    scales: methods.map((_, index) => scaleOf(trees.flatMap(({ values }) => [...(values[index] ?? [])]))),
    entropies: scaleOf(trees.flatMap((tree) => [...measured(tree, 'entropies')])),
    leftOut: questions.length - trees.length,
    limits,
  };
}

function viewOf(tree: ShownTree, methods: readonly string[]): TreeView {
  const rows = rowsOf(tree.grown);
  const actions = actionsOf(rows);
  const values = methods.map((method) => creditByToken(tree, method, actions));
  return {
    ...tree,
    ...{ rows, values, tokens: lengthOf(rows), leftOut: 0 },
    disagreement: disagreement(values.filter((one) => one !== undefined)),
  };
}

/** Those with most disagreement first; trees of one question stay together. */
function inOrder(trees: readonly (readonly [ShownTree, number])[]): readonly ShownTree[] {
  const most = new Map<string, number>();
  for (const [{ question }, own] of trees) most.set(question, Math.max(most.get(question) ?? 0, own));
  const order = [...most.keys()].sort((a, b) => most.get(b)! - most.get(a)!);
  const place = new Map(order.map((question, index) => [question, index]));
  return trees.map(([tree]) => tree).sort((a, b) => place.get(a.question)! - place.get(b.question)!);
}

function lengthOf(rows: readonly TreeRow[]): number {
  const last = rows.findLast(isAction);
  return last === undefined ? 0 : last.first + last.to - last.from;
}

/** The first rows of a tree, up to so many tokens. */
function cut(tree: TreeView, most: number): TreeView {
  if (tree.tokens <= most) return tree;
  const rows: TreeRow[] = [];
  for (const row of tree.rows) {
    if (row.kind === 'read') {
      rows.push(row);
      continue;
    }
    const room = most - row.first;
    if (room <= 0) break;
    if (row.to - row.from <= room) rows.push(row);
    else {
      // Where it ends is left out, too.
      const { leaf: _, ...rest } = row;
      rows.push({ ...rest, to: row.from + room });
    }
  }
  const tokens = lengthOf(rows);
  return {
    ...tree,
    ...{ rows, tokens, leftOut: tree.tokens - tokens },
    values: tree.values.map((values) => values?.subarray(0, tokens)),
  };
}

/** The trajectory and turn that a row's texts and measurements are read from. */
export const turnOf = ({ trajectories }: ShownTree, row: TreeRow) =>
  trajectories[row.kind === 'read' ? row.trajectory : row.trajectories[0]!]!.turns[row.turn]!;

/** A measurement of every token; NaN where it is not known. */
export function measured(tree: TreeView, field: 'entropies' | 'logprobs'): Float64Array {
  const values = new Float64Array(tree.tokens).fill(Number.NaN);
  for (const row of actionsOf(tree.rows)) {
    const own = turnOf(tree, row)[field];
    for (let token = row.from; own !== undefined && token < row.to; token++) {
      values[row.first + token - row.from] = own[token]!;
    }
  }
  return values;
}

/** The ids of all tokens. */
export function idsOf(tree: TreeView): readonly number[] {
  return actionsOf(tree.rows).flatMap((row) => turnOf(tree, row).tokens.slice(row.from, row.to));
}
