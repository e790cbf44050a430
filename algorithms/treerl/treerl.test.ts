import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { rollout } from '../../bench/rollout/engine.ts';
import { abPolicy, counting, textTask } from '../../bench/text.test-helper.ts';
import { trainingRows } from '../../bench/training/update.ts';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { chains, sketchTree } from '../sketch.test-helper.ts';
import { leaves, path, type RolloutTree } from '../tree.ts';
import { treeRl, treeRlPlan } from './index.ts';
import { segmentAdvantages } from './segments.ts';

const defaults = treeRl.schema.parse({});

/** The sketch with actions of several tokens, and forks inside them. */
const withTokens = (
  tree: RolloutTree,
  tokens: Record<number, { surprisals: number[]; shared?: { edge: number; tokens: number } }>,
): RolloutTree => ({
  ...tree,
  edges: tree.edges.map((edge) => {
    const change = tokens[edge.id];
    if (change === undefined) return edge;
    const { surprisals, shared } = change;
    return {
      ...edge,
      tokens: surprisals.map((_, t) => t),
      logProbs: surprisals.map((value) => -value),
      entropies: surprisals,
      ...(shared === undefined ? {} : { shared }),
    };
  }),
});

const closeTo = (actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void => {
  expect(actual.map((values) => values.length)).toEqual(expected.map((values) => values.length));
  for (const [i, values] of actual.entries()) {
    for (const [t, value] of values.entries()) expect(value, `${i}/${t}`).toBeCloseTo(expected[i]![t]!, 12);
  }
};

/** The same from the definition: every sampled token is unlike any other, and a node is a set of leaves. */
function byPrefixes(tree: RolloutTree): number[][] {
  const names: string[][] = [];
  for (const { id, tokens, shared } of tree.edges) {
    names[id] = tokens.map((_, t) => (t < (shared?.tokens ?? 0) ? names[shared!.edge]![t]! : `${id}.${t}`));
  }
  const ends = leaves(tree).map((leaf) => ({
    value: leaf.return,
    names: new Set(path(tree, leaf).flatMap(({ id }) => names[id]!)),
  }));
  const total = ends.reduce((sum, { value }) => sum + value, 0);
  const value = (group: typeof ends): number =>
    group.reduce((sum, end) => sum + end.value - (total - end.value) / (ends.length - 1), 0) / group.length;
  return tree.edges.map((edge) => {
    const line = path(tree, tree.nodes[edge.to]!).flatMap(({ id }) => names[id]!);
    const groups = line.map((name) => ends.filter((end) => end.names.has(name)));
    return groups.slice(-edge.tokens.length).map((group, i) => {
      const before = groups
        .slice(0, line.length - edge.tokens.length + i)
        .findLast((other) => other.length > group.length);
      return (value(group) - value(ends) + value(group) - value(before ?? ends)) / Math.sqrt(group.length);
    });
  });
}

describe('TreeRL step rewards', () => {
  // equation (treerl): r' = R
  // equation (treerl): step reward
  it('without forks are twice the leave-one-out return: reference 5.5', () => {
    // V - V_root and V - V_parent are both r' = .5, -.75, .5, .5, -.75; the root's value is 0.
    const expected = [0.5, -0.75, 0.5, 0.5, -0.75].flatMap((value) => [[2 * value], [2 * value]]);
    closeTo(segmentAdvantages(chains([1, 0, 1, 1, 0], 2)), expected);
  });

  // equation (treerl): V(node)
  // equation (treerl): step reward
  it('weigh leaves, not children, and divide by the root of their number', () => {
    // r' = R - mean of the others: R = 1, 0, 0, 0 gives 1, -1/3, -1/3, -1/3.
    const tree = sketchTree([
      { next: [{ end: 1 }, { round: 1, start: true, end: 0 }, { round: 1, start: true, end: 0 }] },
      { end: 0 },
    ]);
    const above = 1 / 9;
    closeTo(segmentAdvantages(tree), [
      [(above + above) / Math.sqrt(3)],
      [1 + (1 - above)],
      [-1 / 3 + (-1 / 3 - above)],
      [-1 / 3 + (-1 / 3 - above)],
      [-2 / 3],
    ]);
  });

  it('of a node that spans actions are those of its first token', () => {
    const tree = sketchTree([{ next: [{ next: [{ end: 1 }] }] }, { end: 0 }]);
    closeTo(segmentAdvantages(tree), [[2], [2], [2], [-2]]);
  });

  it('split an action where a rollout forked it', () => {
    // Edge 0 (3 tokens) ends with 1; edge 1 shares its first 2 tokens and ends with 0; edge 2 is another chain.
    const tree = withTokens(sketchTree([{ end: 1 }, { round: 1, start: true, end: 0 }, { end: 0 }]), {
      0: { surprisals: [1, 1, 1] },
      1: { surprisals: [1, 1, 1, 1], shared: { edge: 0, tokens: 2 } },
    });
    // r' = 1, -.5, -.5; the shared tokens: V = .25 of 2 leaves.
    const shared = 0.5 / Math.sqrt(2);
    closeTo(segmentAdvantages(tree), [
      [shared, shared, 1 + 0.75],
      [shared, shared, -0.5 - 0.75, -0.5 - 0.75],
      [-1],
    ]);
  });

  it('follow a fork of a fork to the action that has the token', () => {
    // Edge 1 shares 1 token of edge 0; edge 2 shares 3 of edge 1 (1 of which is edge 0's), edge 3 shares 1 of edge 2.
    const tree = withTokens(
      sketchTree([
        { end: 1 },
        { round: 1, start: true, end: 0 },
        { round: 2, start: true, end: 0 },
        { round: 3, start: true, end: 1 },
      ]),
      {
        0: { surprisals: [1, 1] },
        1: { surprisals: [1, 1, 1, 1], shared: { edge: 0, tokens: 1 } },
        2: { surprisals: [1, 1, 1, 1], shared: { edge: 1, tokens: 3 } },
        3: { surprisals: [1, 1], shared: { edge: 2, tokens: 1 } },
      },
    );
    // All share the first token, the root's node: 0. r' = 2/3, -2/3, -2/3, 2/3. Edges 1 and 2 part at token 3.
    const both = -4 / 3 / Math.sqrt(2);
    closeTo(segmentAdvantages(tree), [
      [0, 4 / 3],
      [0, both, both, -2 / 3],
      [0, both, both, -2 / 3],
      [0, 4 / 3],
    ]);
  });
});

describe('TreeRL plan', () => {
  // equation (treerl): EPTree
  it('forks before the least likely tokens of every tree, t times each', () => {
    const tree = withTokens(
      sketchTree([
        { surprisal: 0.5, next: [{ end: 1 }] },
        { surprisal: 3, end: 0 },
      ]),
      { 1: { surprisals: [0.1, 2, 1] } },
    );
    expect(treeRlPlan(tree, { ...defaults, trees: 2 })).toEqual([
      ...[1, 1, 2, 2].map((tokens) => ({ edge: 1, tokens })),
      // Tree 1 has a single token: the ranking is gone through again.
      ...Array.from({ length: 4 }, () => ({ node: 0 })),
    ]);
  });

  // equation (treerl): EPTree
  it('goes on with tokens that were not forked yet', () => {
    const tree = withTokens(sketchTree([{ end: 1 }, { round: 1, start: true, end: 0 }]), {
      0: { surprisals: [0.1, 2, 1] },
      1: { surprisals: [0.1, 5, 0.2], shared: { edge: 0, tokens: 1 } },
    });
    const options = { ...defaults, trees: 1, tokens: 4, rounds: 2, branches: 1 };
    // Token 1 was forked: it and its other draw (surprisal 5) come last, the shared token 0 counts once.
    expect(treeRlPlan(tree, options)).toEqual([
      { edge: 0, tokens: 2 },
      { edge: 1, tokens: 2 },
      { node: 0 },
      { edge: 1, tokens: 1 },
    ]);
    expect(treeRlPlan(tree, { ...options, rounds: 1 })).toEqual([]);
  });

  // equation (treerl): a subset of the leaves
  // equation (treerl): PPO-clip, one sequence per selected leaf
  it.each([2, 3, 4, 7, 16, 30])('spends a budget of %d', async (rollouts) => {
    const options = treeRl.schema.parse(treeRl.budget(rollouts));
    const [tree] = await rollout({
      environment: stopOrSearch(),
      policy: createTabularPolicy(),
      tasks: [STOP_OR_SEARCH_TASK],
      plan: (grown, random) => treeRl.next(grown, options, random),
      random: createRandom(0),
      sampling: { temperature: 1 },
    });
    expect(leaves(tree!)).toHaveLength(rollouts);
    const { actions } = treeRl.credit([tree!], options, createRandom(0));
    expect(new Set(actions.map(({ sequence }) => sequence)).size).toBe(options.selected);
  });

  // equation (treerl): a subset of the leaves
  it('is the published one by default: 30 leaves, 16 of them trained', () => {
    expect(treeRl.schema.parse(treeRl.budget(30))).toEqual(defaults);
  });
});

describe('TreeRL on free text', () => {
  it('forks inside actions over two rounds, and shared tokens have one advantage', async () => {
    const options = treeRl.schema.parse({ trees: 2, tokens: 2, rounds: 2, branches: 1, selected: 100 });
    const trees = await rollout({
      environment: counting(3),
      policy: abPolicy,
      tasks: [textTask('one'), textTask('two')],
      plan: (grown, random) => treeRl.next(grown, options, random),
      random: createRandom(5),
      sampling: { temperature: 1 },
    });
    expect(trees.some((tree) => tree.edges.some(({ shared }) => shared !== undefined))).toBe(true);
    const rows = trainingRows(trees, treeRl.credit(trees, options, createRandom(0)));
    expect(rows.some(({ advantages }) => new Set(advantages).size > 1)).toBe(true);
    for (const [index, tree] of trees.entries()) {
      expect(leaves(tree)).toHaveLength(2 + 2 * 2 * 2);
      // A token that several rows share has the same advantage in all of them.
      const advantages = segmentAdvantages(tree);
      for (const { id, shared } of tree.edges) {
        for (let t = 0; t < (shared?.tokens ?? 0); t++) {
          expect(advantages[id]![t]).toBe(advantages[shared!.edge]![t]);
        }
      }
      closeTo(advantages, byPrefixes(tree));
      expect(rows.some((row) => row.tree === index)).toBe(true);
    }
  });
});

it('keeps the contract of an algorithm', async () => {
  const random = createRandom(3);
  expect(await checkAlgorithm(treeRl, { random })).toEqual([]);
  const options = { trees: 2, tokens: 3, rounds: 2, branches: 1, selected: 4 };
  expect(await checkAlgorithm(treeRl, { random, options })).toEqual([]);
});

describe('the exact bias of TreeRL on stop-or-search', () => {
  const run = async (given: Record<string, unknown>) => {
    const { result, root, leaf } = await exactBias(treeRl, given);
    return { result, ratios: [root, leaf] as const };
  };

  it('without forks is none: twice RLOO, summed over the four leaves', async () => {
    const { result, ratios } = await run({ trees: 4, rounds: 0 });
    expect(result.gradient.kind).toBe('scaled');
    expect(ratios[0]).toBeCloseTo(8, 9);
    expect(ratios[1]).toBeCloseTo(8, 9);
  });

  // Forks where the sample was unlikely move the root in the wrong direction, as CARL's single fork does; the
  // choice of half the leaves only halves both. Leaves that one tree is forked into twice: right sign, no balance.
  it.each([
    [{ trees: 2, tokens: 1, branches: 1, selected: 4 }, 64, -1.7992, 7.84707],
    [treeRl.budget(4), 1536, -0.8996, 3.92354],
    [{ trees: 2, tokens: 1, branches: 2, selected: 6 }, 484, -0.71647, 12.53852],
    [{ trees: 1, tokens: 2, branches: 1, selected: 3 }, 21, 4.56754, 6.30262],
  ])('%j', async (options, outcomes, root, found) => {
    const { result, ratios } = await run(options);
    expect([result.outcomes, result.gradient.kind]).toEqual([outcomes, 'biased']);
    expect(ratios[0]).toBeCloseTo(root, 4);
    expect(ratios[1]).toBeCloseTo(found, 4);
  });
});
