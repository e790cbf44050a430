import { describe, expect } from 'vitest';
import type { AnyAlgorithm, Credit, CreditedAction } from '../../algorithms/algorithm.ts';
import { carl } from '../../algorithms/carl/index.ts';
import { grpo } from '../../algorithms/grpo/index.ts';
import type { LossRow } from '../../algorithms/loss-row.ts';
import { evaluateLoss } from '../../algorithms/objective.ts';
import { rloo } from '../../algorithms/rloo/index.ts';
import { trajectoryCredit } from '../../algorithms/shared/flat.ts';
import { nodeValues } from '../../algorithms/shared/values.ts';
import { leaves, path, type RolloutTree, type TreeEdge } from '../../algorithms/tree.ts';
import { mean, standardDeviation } from '../../core/statistics.ts';
import { flatEstimator, perTurn } from './estimators.test-helper.ts';
import { schedule } from './forking.test-helper.ts';
import {
  type Check,
  carlVector,
  contract,
  grpoVector,
  halfTheAdvantage,
  invariant,
  mutant,
  unbiased,
} from './mutations.test-helper.ts';

// Mutation tests: each line breaks an estimator in one place and names the check that must go red.

// ---- ways to break an algorithm ----

type CreditChange = (credit: Credit, trees: readonly RolloutTree[]) => readonly CreditedAction[];

const changed = (algorithm: AnyAlgorithm, change: CreditChange): AnyAlgorithm => ({
  ...algorithm,
  credit: (trees, options, random) => ({ actions: change(algorithm.credit(trees, options, random), trees) }),
});
const times = (algorithm: AnyAlgorithm, factor: number): AnyAlgorithm =>
  changed(algorithm, ({ actions }) =>
    actions.map((action) => ({ ...action, advantage: factor * Number(action.advantage) })),
  );
const withoutZeros: CreditChange = ({ actions }) => actions.filter(({ advantage }) => advantage !== 0);
const byReturns = (
  algorithm: AnyAlgorithm,
  rule: (returns: readonly number[]) => readonly number[],
): AnyAlgorithm => ({ ...algorithm, credit: (trees) => trajectoryCredit(trees, rule) });
const center = (values: readonly number[]): readonly number[] => values.map((value) => value - mean(values));

describe('RLOO', () => {
  mutant(
    'the group mean includes the sample itself',
    unbiased,
    rloo,
    byReturns(rloo, center),
    /gradient is scaled by 0\.\d+, should be unbiased/,
  );
  mutant('the sign is flipped', unbiased, rloo, times(rloo, -1), /is biased, should be unbiased/);
  mutant(
    'zero advantages are dropped from the mean over trajectories',
    unbiased,
    rloo,
    changed(rloo, withoutZeros),
    /should be unbiased/,
  );
  mutant(
    'the trajectory that ended last is forgotten',
    unbiased,
    rloo,
    {
      ...rloo,
      credit: (trees, options, random) => ({
        actions: rloo
          .credit(trees, options, random)
          .actions.filter(({ tree, sequence }) => sequence !== `${tree}/${leaves(trees[tree]!).at(-1)!.id}`),
      }),
    } as AnyAlgorithm,
    /should be unbiased/,
  );
  mutant(
    'only the last action of each trajectory is trained',
    unbiased,
    rloo,
    changed(rloo, ({ actions }, trees) =>
      actions.filter(({ tree, edge }) => {
        const { nodes, edges } = trees[tree]!;
        return nodes[edges[edge]!.to]!.end !== 'open';
      }),
    ),
    /should be unbiased/,
  );
  mutant(
    'truncated trajectories are discounted',
    invariant('trajectories truncated instead of terminated'),
    rloo,
    {
      ...rloo,
      credit: (trees: readonly RolloutTree[], options: never, random: never) =>
        rloo.credit(
          trees.map((tree) => ({
            ...tree,
            nodes: tree.nodes.map((node) =>
              node.end === 'truncated' ? { ...node, return: node.return * 0.9 ** node.depth } : node,
            ),
          })),
          options,
          random,
        ),
    } as AnyAlgorithm,
    /tree \d, edge \d+: .* for /,
  );
  mutant(
    'there is no baseline',
    contract,
    rloo,
    byReturns(rloo, (returns) => returns),
    /equal returns give an advantage/,
  );
});

describe('reward-to-go by turn', () => {
  const rewardToGo = (shift: number) =>
    flatEstimator('reward-to-go', (trajectories) =>
      trajectories.map(({ rewards }) =>
        rewards.map((_, turn) => rewards.slice(turn + shift).reduce((a, b) => a + b, 0)),
      ),
    );
  mutant(
    'a turn gets the reward-to-go of the next',
    unbiased,
    rewardToGo(0),
    rewardToGo(1),
    /should be unbiased/,
  );
  mutant(
    'credit goes to the turn before',
    unbiased,
    perTurn,
    changed(perTurn, ({ actions }, trees) =>
      actions.map((action) => {
        const before = trees[action.tree]!.nodes[trees[action.tree]!.edges[action.edge]!.from]!.parent;
        return before === undefined ? action : { ...action, edge: before };
      }),
    ),
    /should be unbiased/,
  );
});

describe('GRPO', () => {
  const scaledBy = (scale: (returns: readonly number[]) => number, around = mean) =>
    byReturns(grpo, (returns) => returns.map((value) => (value - around(returns)) / scale(returns)));
  mutant(
    'the population standard deviation instead of the sample one',
    grpoVector,
    grpo,
    scaledBy((returns) => standardDeviation(returns, 'population') + 1e-6),
    /expected 0\.99\d* to be close to 0\.866/,
  );
  mutant(
    'zero advantages are dropped, so that the loss divides by less',
    invariant('no trajectory is left out of the loss', { groupSize: 4 }),
    grpo,
    changed(grpo, withoutZeros),
    /of \d+ actions are in the loss/,
  );
  mutant(
    'divided by the standard deviation, but not centred',
    invariant('a constant added to every return', { groupSize: 4 }),
    grpo,
    scaledBy(
      (returns) => standardDeviation(returns, 'sample') + 1e-6,
      () => 0,
    ),
    /tree \d, edge \d+: .* for /,
  );
  mutant(
    'centred, but not divided by the standard deviation',
    invariant('every return times 4', { groupSize: 4, epsilon: 0 }),
    grpo,
    byReturns(grpo, center),
    /tree \d, edge \d+: .* for /,
  );
  mutant(
    'the group is the batch, not the question',
    invariant('the other questions of the batch', { groupSize: 4 }),
    grpo,
    {
      ...grpo,
      credit: (trees: readonly RolloutTree[]) => {
        const all = mean(trees.flatMap((tree) => leaves(tree).map((leaf) => leaf.return)));
        return trajectoryCredit(trees, (returns) => returns.map((value) => value - all));
      },
    } as AnyAlgorithm,
    /tree \d, edge \d+: .* for /,
  );
  mutant(
    'the baseline is the first trajectory',
    invariant('the order of siblings', { groupSize: 4 }),
    grpo,
    byReturns(grpo, (returns) => returns.map((value) => value - returns[0]!)),
    /tree \d, edge \d+: .* for /,
  );
});

/** CARL's credit with another advantage, on the same edges as `algorithm` or as chosen. */
const carlWith = (
  algorithm: AnyAlgorithm,
  advantage: (edge: TreeEdge, values: Float64Array, tree: RolloutTree) => number,
  weighting: 'children' | 'leaves' = 'children',
): AnyAlgorithm =>
  changed(algorithm, ({ actions }, trees) =>
    actions.map((action) => {
      const tree = trees[action.tree]!;
      return { ...action, advantage: advantage(tree.edges[action.edge]!, nodeValues(tree, weighting), tree) };
    }),
  );
const childMinusParent = (edge: TreeEdge, values: Float64Array): number =>
  values[edge.to]! - values[edge.from]!;

describe("CARL's credit", () => {
  mutant(
    'means weighted by leaves: reference vector',
    carlVector,
    carl,
    carlWith(carl, childMinusParent, 'leaves'),
    /edge 1: expected -0\.07\d* to be close to 0\.016/,
  );
  mutant(
    'means weighted by leaves: expectation',
    halfTheAdvantage,
    schedule,
    carlWith(schedule, childMinusParent, 'leaves'),
    /advantage is biased, should be scaled by 0\.5/,
  );
  mutant(
    'parent minus child',
    halfTheAdvantage,
    schedule,
    carlWith(schedule, (edge, values) => values[edge.from]! - values[edge.to]!),
    /advantage is biased, should be scaled by 0\.5/,
  );
  mutant(
    'the parent without the child itself',
    carlVector,
    carl,
    carlWith(carl, (edge, values, tree) => {
      const others = tree.nodes[edge.from]!.children.filter((id) => id !== edge.id);
      return values[edge.to]! - mean(others.map((id) => values[tree.edges[id]!.to]!));
    }),
    /to be close to/,
  );
  mutant(
    'siblings have their credit swapped',
    carlVector,
    carl,
    carlWith(carl, (edge, values, tree) => {
      const siblings = tree.nodes[edge.from]!.children;
      const other = tree.edges[siblings[siblings.length - 1 - siblings.indexOf(edge.id)]!]!;
      return childMinusParent(other, values);
    }),
    /to be close to/,
  );
  mutant(
    'an action gets the advantage of the next one',
    halfTheAdvantage,
    schedule,
    carlWith(schedule, (edge, values, tree) => {
      const next = tree.nodes[edge.to]!.children[0];
      return next === undefined ? 0 : childMinusParent(tree.edges[next]!, values);
    }),
    // On the smallest MDP there is no next action, so no advantage at all.
    /advantage is zero, should be scaled by 0\.5/,
  );
  mutant(
    'the mask is inverted: what was not forked is trained',
    carlVector,
    carl,
    changed(carl, ({ actions }, trees) => {
      const trained = new Set(actions.map(({ tree, edge }) => `${tree}/${edge}`));
      return trees.flatMap((tree, index) => {
        const values = nodeValues(tree, 'children');
        return tree.edges
          .filter((edge) => !trained.has(`${index}/${edge.id}`))
          .map((edge) => ({
            tree: index,
            edge: edge.id,
            advantage: childMinusParent(edge, values),
            sequence: `${edge.id}`,
          }));
      });
    }),
    /to deeply equal/,
  );
  mutant(
    'a leaf is trained as a whole trajectory, its prefix again and again',
    carlVector,
    carl,
    {
      ...carl,
      credit: (trees: readonly RolloutTree[]) => ({
        actions: trees.flatMap((tree, index) =>
          leaves(tree).flatMap((leaf) =>
            path(tree, leaf).map((edge) => ({
              tree: index,
              edge: edge.id,
              advantage: childMinusParent(edge, nodeValues(tree, 'children')),
              sequence: `${index}/${leaf.id}`,
            })),
          ),
        ),
      }),
    } as AnyAlgorithm,
    /to deeply equal/,
  );
});

describe('the contract', () => {
  let calls = 0;
  mutant(
    'the plan remembers earlier calls',
    contract,
    carl,
    {
      ...carl,
      next: (tree, options, random) => (calls++ % 2 === 0 ? carl.next(tree, options, random) : []),
    } as AnyAlgorithm,
    /next answers differently when asked twice/,
  );
  mutant(
    'an action is listed twice',
    contract,
    rloo,
    changed(rloo, ({ actions }) => [...actions, actions[0]!]),
    /lists one action twice/,
  );
});

describe('the loss', () => {
  type Loss = typeof evaluateLoss;
  const objective = { clip: { low: 0.2, high: 0.2 }, aggregation: 'token-mean' } as const;
  const row = (advantage: number, old: number): LossRow => ({
    sequence: 's',
    advantages: [advantage],
    oldLogProbs: [old],
  });
  /** At ratio 1.5 a positive advantage has been followed far enough. */
  const clips: Check<Loss> = (loss) => {
    const { gradient } = loss(objective, [row(2, -1)], [[-1 + Math.log(1.5)]]);
    expect(gradient[0]![0]).toBeCloseTo(0, 12);
  };
  mutant(
    'the old log-probability is replaced by the new one',
    clips,
    evaluateLoss,
    (given, rows, logProbs) =>
      evaluateLoss(
        given,
        rows.map((each, index) => ({ ...each, oldLogProbs: Array.from(logProbs[index]!) })),
        logProbs,
      ),
    /expected -2 to be close to/,
  );
  /** Four tokens of weight 1/4 each, whichever advantages are 0. */
  const keepsItsDenominator: Check<Loss> = (loss) => {
    const rows = [1, 0, 0, -1].map((advantage) => row(advantage, -1));
    const { gradient } = loss(
      objective,
      rows,
      rows.map(() => [-1]),
    );
    expect(gradient[0]![0]).toBeCloseTo(-1 / 4, 12);
  };
  mutant(
    'rows without advantage leave the denominator',
    keepsItsDenominator,
    evaluateLoss,
    (given, rows, logProbs) => {
      const kept = rows.flatMap((each, index) => (each.advantages.some((a) => a !== 0) ? [index] : []));
      return evaluateLoss(
        given,
        kept.map((index) => rows[index]!),
        kept.map((index) => logProbs[index]!),
      );
    },
    /expected -0.5 to be close to -0.25/,
  );
});
