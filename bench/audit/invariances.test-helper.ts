import fc from 'fast-check';
import { expect } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import type { RolloutTree, TreeEdge, TreeNode } from '../../algorithms/tree.ts';
import { createRandom } from '../../core/random.ts';
import { rollout } from '../rollout/engine.ts';
import { trainingRows } from '../training/update.ts';
import { describeMdp, type MdpChoice, playable, smallMdp } from './small-mdp.ts';

/** An algorithm's advantages: per tree, per edge, summed over the sequences that train it; absent: untrained. */
export type Advantages = readonly ReadonlyMap<number, number>[];

export function advantages(
  algorithm: AnyAlgorithm,
  options: unknown,
  trees: readonly RolloutTree[],
): Advantages {
  const result = trees.map(() => new Map<number, number>());
  const credit = algorithm.credit(trees, options, createRandom(0));
  for (const { tree, edge, advantage } of credit.actions) {
    const value =
      typeof advantage === 'number' ? advantage : advantage.reduce((a, b) => a + b) / advantage.length;
    result[tree]!.set(edge, (result[tree]!.get(edge) ?? 0) + value);
  }
  return result;
}

/** Rollout trees of one small MDP: the same question asked `questions` times. */
export async function grow(
  algorithm: AnyAlgorithm,
  options: unknown,
  mdp: MdpChoice,
  seed: number,
  questions = 2,
): Promise<readonly RolloutTree[]> {
  const { environment, task, policy } = playable(mdp);
  return rollout({
    environment,
    policy,
    plan: (tree, random) => algorithm.next(tree, options, random),
    tasks: Array.from({ length: questions }, () => task),
    random: createRandom(seed),
    sampling: { temperature: 1 },
  });
}

/** The tree with every trajectory's return changed, at its last action. */
export function withReturns(tree: RolloutTree, change: (value: number) => number): RolloutTree {
  const nodes = tree.nodes.map((node) =>
    node.end === 'open' ? node : { ...node, return: change(node.return) },
  );
  const edges = tree.edges.map((edge) => {
    const by = nodes[edge.to]!.return - tree.nodes[edge.to]!.return;
    return { ...edge, reward: edge.reward + by };
  });
  return { ...tree, nodes, edges };
}

/** The tree as if siblings had been sampled in the opposite order; `origin` gives each edge's old id. */
export function reversedSiblings(tree: RolloutTree): { tree: RolloutTree; origin: readonly number[] } {
  const nodes: (TreeNode & { children: number[] })[] = [];
  const edges: TreeEdge[] = [];
  const origin: number[] = [];
  const visit = (old: TreeNode, parent: number | undefined): void => {
    const node = { ...old, id: nodes.length, parent, children: [] as number[] };
    nodes.push(node);
    for (const id of old.children.toReversed()) {
      const edge = { ...tree.edges[id]!, id: edges.length, from: node.id, to: nodes.length };
      edges.push(edge);
      origin.push(id);
      node.children.push(edge.id);
      visit(tree.nodes[tree.edges[id]!.to]!, edge.id);
    }
  };
  visit(tree.nodes[0]!, undefined);
  return { tree: { ...tree, nodes, edges }, origin };
}

/** Changes of what was sampled, and what they must do to the advantages. Each throws where they do not. */
export const INVARIANCES = {
  'a constant added to every return': (algorithm: AnyAlgorithm, options: unknown) =>
    compare(algorithm, options, (trees) => trees.map((tree) => withReturns(tree, (value) => value + 3))),
  'every return times 4 gives 4 times the advantage': (algorithm: AnyAlgorithm, options: unknown) =>
    compare(
      algorithm,
      options,
      (trees) => trees.map((tree) => withReturns(tree, (value) => 4 * value)),
      (before) => 4 * before,
    ),
  'every return times 4': (algorithm: AnyAlgorithm, options: unknown) =>
    compare(algorithm, options, (trees) => trees.map((tree) => withReturns(tree, (value) => 4 * value))),
  'other names and ids of the actions': (algorithm: AnyAlgorithm, options: unknown) =>
    compare(algorithm, options, (trees) =>
      trees.map((tree) => ({
        ...tree,
        edges: tree.edges.map((edge) => ({
          ...edge,
          action: `~${edge.action}`,
          tokens: edge.tokens.map((token) => 7 - token),
        })),
      })),
    ),
  'trajectories truncated instead of terminated': (algorithm: AnyAlgorithm, options: unknown) =>
    compare(algorithm, options, (trees) =>
      trees.map((tree) => ({
        ...tree,
        nodes: tree.nodes.map((node) =>
          node.end === 'open' ? node : { ...node, end: 'truncated' as const },
        ),
      })),
    ),
  'longer observations': (algorithm: AnyAlgorithm, options: unknown) =>
    compare(algorithm, options, (trees) =>
      trees.map((tree) => ({
        ...tree,
        nodes: tree.nodes.map((node) => ({
          ...node,
          prompt: { ...node.prompt, text: `${node.prompt.text} and much more text` },
        })),
      })),
    ),
  'actions of three tokens': (algorithm: AnyAlgorithm, options: unknown) =>
    compare(algorithm, options, (trees) =>
      trees.map((tree) => ({
        ...tree,
        edges: tree.edges.map((edge) => ({
          ...edge,
          tokens: [...edge.tokens, 8, 9],
          logProbs: [...edge.logProbs, -0.5, -0.25],
          entropies: [...edge.entropies, 0.5, 0.25],
        })),
      })),
    ),
  'the order of siblings': (algorithm: AnyAlgorithm, options: unknown) =>
    each(algorithm, options, (trees) => {
      const turned = trees.map(reversedSiblings);
      const before = advantages(algorithm, options, trees);
      const after = advantages(
        algorithm,
        options,
        turned.map(({ tree }) => tree),
      );
      const back = after.map(
        (map, tree) => new Map([...map].map(([id, value]) => [turned[tree]!.origin[id]!, value])),
      );
      expectEqual(back, before);
    }),
  'the order of questions': (algorithm: AnyAlgorithm, options: unknown) =>
    each(algorithm, options, (trees) => {
      const before = advantages(algorithm, options, trees);
      expectEqual(advantages(algorithm, options, trees.toReversed()).toReversed(), before);
    }),
  'the other questions of the batch': (algorithm: AnyAlgorithm, options: unknown) =>
    each(algorithm, options, (trees) => {
      const together = advantages(algorithm, options, trees);
      for (const [index, tree] of trees.entries()) {
        expectEqual(advantages(algorithm, options, [tree]), [together[index]!]);
      }
    }),
  'no trajectory is left out of the loss': (algorithm: AnyAlgorithm, options: unknown) =>
    each(algorithm, options, (trees) => {
      const rows = trainingRows(trees, algorithm.credit(trees, options, createRandom(0)));
      // A zero advantage counts in the loss's mean.
      const trained = new Set(rows.map(({ tree, edge }) => `${tree}/${edge}`));
      const sampled = trees.reduce((sum, tree) => sum + tree.edges.length, 0);
      expect(trained.size, `${trained.size} of ${sampled} actions are in the loss`).toBe(sampled);
    }),
} as const;

/** Runs `check` on trees grown on random MDPs. */
async function each(
  algorithm: AnyAlgorithm,
  options: unknown,
  check: (trees: readonly RolloutTree[]) => void,
): Promise<void> {
  const run = await fc.check(
    fc.asyncProperty(smallMdp(), fc.integer({ min: 0, max: 999 }), async (mdp, seed) => {
      const trees = await grow(algorithm, options, mdp, seed);
      try {
        check(trees);
      } catch (error) {
        throw new Error(`${algorithm.id}, seed ${seed}:\n${describeMdp(mdp)}\n${error}`, { cause: error });
      }
    }),
    { numRuns: 60, seed: 0 },
  );
  if (run.failed) throw run.errorInstance ?? new Error('too few cases');
}

function compare(
  algorithm: AnyAlgorithm,
  options: unknown,
  change: (trees: readonly RolloutTree[]) => readonly RolloutTree[],
  effect: (before: number) => number = (before) => before,
): Promise<void> {
  return each(algorithm, options, (trees) => {
    const before = advantages(algorithm, options, trees);
    const after = advantages(algorithm, options, change(trees));
    expectEqual(
      after,
      before.map((map) => new Map([...map].map(([edge, value]) => [edge, effect(value)]))),
    );
  });
}

function expectEqual(actual: Advantages, expected: Advantages): void {
  expect(actual.length).toBe(expected.length);
  for (const [tree, map] of expected.entries()) {
    expect([...actual[tree]!.keys()].sort()).toEqual([...map.keys()].sort());
    for (const [edge, value] of map) {
      const off = Math.abs(actual[tree]!.get(edge)! - value);
      expect(off, `tree ${tree}, edge ${edge}: ${actual[tree]!.get(edge)} for ${value}`).toBeLessThan(1e-9);
    }
  }
}
