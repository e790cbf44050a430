import { type Audit, type AuditObjective, audit } from '../../bench/audit/audit.ts';
import { type TreeSpec, treeEnvironment, treeTask } from '../../envs/diagnostic/random-tree.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import type { AnyAlgorithm } from '../algorithm.ts';
import { type Sketch, sketchTree } from '../sketch.test-helper.ts';
import type { RolloutTree } from '../tree.ts';

/** A trajectory of searches and an answer: what the accepted answer's log-probability is after each search. */
export interface Searches {
  readonly golds: readonly number[];
  readonly end: number;
}

/** The rollout tree of such trajectories. `root` is the measure before any search. */
export function searchTree(trajectories: readonly Searches[], root = 0): RolloutTree {
  const chain = ({ golds, end }: Searches, at = 0): Sketch =>
    at === golds.length ? { name: 'answer', end } : { name: `s${at}`, next: [chain({ golds, end }, at + 1)] };
  const tree = sketchTree(trajectories.map((trajectory) => chain(trajectory)));
  const measured = [root, ...trajectories.flatMap(({ golds }) => [...golds, 0])];
  return {
    ...tree,
    nodes: tree.nodes.map((node) => (node.end === 'open' ? { ...node, gold: measured[node.id]! } : node)),
    edges: tree.edges.map((edge) => (tree.nodes[edge.to]!.end === 'open' ? { ...edge, tool: true } : edge)),
  };
}

/**
 * Up to two searches before the choice that counts, so that there is a gain to be had by either convention: the
 * accepted answer can be given after 'good' only.
 */
const TWO_SEARCHES: TreeSpec = {
  stop: 0.3,
  search: { good: { A: 1, B: 0 }, bad: { A: 0.6, B: 0 } },
};

const LOGITS: Readonly<Record<string, readonly number[]>> = {
  '/': [0, 0.4],
  '/search': [0.2, 0],
  '/search/good': [-0.6, 0],
  '/search/bad': [0.5, 0],
};

/** The exact audit of an algorithm on those two searches, all outcomes enumerated. */
export async function searchBias(
  algorithm: AnyAlgorithm,
  options: Record<string, unknown>,
  objective: AuditObjective = 'plain',
): Promise<{ readonly ratios: readonly number[]; readonly result: Audit }> {
  const result = await audit({
    algorithm,
    options: algorithm.schema.parse(options),
    environment: treeEnvironment(TWO_SEARCHES),
    task: treeTask(TWO_SEARCHES),
    policy: createTabularPolicy({ initial: ({ text }, action) => LOGITS[text]![action]! }),
    objective,
  });
  if (result.method !== 'exact') throw new Error(`${algorithm.id}: too many outcomes to enumerate`);
  const names = ['/: search', '/search: good', '/search/good: A', '/search/bad: A'];
  const ratios = names.map((name) => {
    const found = result.gradient.components.find((component) => component.name === name)!;
    return found.expected / found.exact;
  });
  return { ratios, result };
}
