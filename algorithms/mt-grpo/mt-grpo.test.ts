import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { createRandom } from '../../core/random.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { searchBias, searchTree } from '../shared/information-gain.test-helper.ts';
import { chains } from '../sketch.test-helper.ts';
import type { RolloutTree } from '../tree.ts';
import { mtGrpo, mtGrpoAdvantages, toolResult } from './index.ts';

const defaults = mtGrpo.schema.parse({});
const random = createRandom(0);
const z = Math.SQRT1_2; // of a group of two, with epsilon 0

/** Trajectories of tool calls with these results, then an answer. */
function results(
  trajectories: readonly { readonly read: readonly string[]; readonly end: number }[],
): RolloutTree {
  const tree = searchTree(trajectories.map(({ read, end }) => ({ golds: read.map(() => 0), end })));
  const texts = ['Where?', ...trajectories.flatMap(({ read }) => [...read, ''])];
  return {
    ...tree,
    task: { ...tree.task, question: 'Where? In Rome or in Paris?', answers: ['Paris', ''] },
    nodes: tree.nodes.map((node) => ({ ...node, prompt: { text: texts[node.id]! } })),
  };
}
const credit = (tree: RolloutTree, options: object = {}) =>
  mtGrpo
    .credit([tree], { ...defaults, epsilon: 0, ...options }, random)
    .actions.map(({ advantage }) => Number((advantage as number).toFixed(2)) + 0);

describe('MT-GRPO', () => {
  // Turn rewards 0.7 and 0.2, returns 0 and 1.
  const tree = results([
    { read: ['… PARIS …'], end: 0 },
    { read: ['nothing'], end: 1 },
  ]);

  // equation (mt-grpo): r_turn
  // equation (mt-grpo): A = A_outcome
  it('adds the turn’s advantage before the first result, and the outcome’s alone after it', () => {
    expect(credit(tree)).toEqual([0, -0.71, 0, 0.71]);
    expect(credit(tree, { coefficient: 0.5 })).toEqual([-0.35, -0.71, 0.35, 0.71]);
    // Off by one turn, or the reward in the wrong place, would not give these.
    expect(credit(tree)).not.toEqual([-0.71, 0, 0.71, 0]);
  });

  // equation (mt-grpo): A = z-score
  it('gives what a trajectory got in all to one without a result, everywhere', () => {
    const mixed = results([
      { read: ['in Paris'], end: 0 },
      { read: [], end: 1 },
    ]);
    // Combined 0.7 and 1. The first searched: turn +, outcome -.
    expect(credit(mixed)).toEqual([0, -0.71, 0.71]);
    // Its own z-score: the sum of both would be 0 here, and outcome alone the same sign but not of these three.
    const three = results([
      { read: ['in Paris'], end: 0 },
      { read: [], end: 1 },
      { read: ['in Rome'], end: 1 },
    ]);
    const combined = [0.7, 1, 1.2];
    const mean = 2.9 / 3;
    const std = Math.sqrt(combined.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2);
    expect(credit(three)[2]).toBeCloseTo((1 - mean) / std, 1);
  });

  // equation (mt-grpo): estimator: cumulative
  it('cumulative: before a result the advantage of turn and outcome together', () => {
    // 0.7 and 1.2.
    expect(credit(tree, { estimator: 'cumulative' })).toEqual([-0.71, -0.71, 0.71, 0.71]);
  });

  // equation (mt-grpo): turns: each
  it('pays the first tool call only, or each in a group of its own, absent ones counting 0', () => {
    const longer = results([
      { read: ['Rome', 'Paris'], end: 1 },
      { read: ['Paris'], end: 0 },
    ]);
    // First: rewards 0.2 and 0.7.
    expect(credit(longer)).toEqual([0, 0.71, 0.71, 0, -0.71]);
    // Each: second turn 0.7 and 0; what comes before it shares it.
    expect(credit(longer, { turns: 'each' })).toEqual([0.71, 1.41, 0.71, 0, -0.71]);
    // Together: from the start 0.2 + 0.7 + 1 and 0.7, from the second call on 1.7 and 0.
    const values = credit(longer, { turns: 'each', estimator: 'cumulative' });
    expect(values).toEqual([0.71, 0.71, 0.71, -0.71, -0.71]);
  });

  it('is the same for either where there is one tool call', () => {
    for (const estimator of ['sum', 'cumulative'] as const) {
      expect(credit(tree, { turns: 'each', estimator })).toEqual(credit(tree, { turns: 'first', estimator }));
    }
  });

  // equation (mt-grpo): A_turn
  it('divides by the sample std plus 1e-4', () => {
    const [[before]] = mtGrpoAdvantages([[0.7], [0.2]], [0, 0], defaults) as [[number]];
    expect(before).toBeCloseTo(0.25 / (0.5 * z + 1e-4), 9);
    expect(before).not.toBeCloseTo(0.25 / (0.25 + 1e-4), 1);
  });

  it('gives exactly 0 for equal rewards, and to a single trajectory', () => {
    const equal = results([0.1, 0.1, 0.1].map((end) => ({ read: ['Paris'], end })));
    for (const one of [equal, results([{ read: ['Paris', 'x'], end: 0.7 }])]) {
      for (const turns of ['first', 'each'] as const) {
        expect(new Set(credit(one, { turns }))).toEqual(new Set([0]));
        expect(new Set(credit(one, { turns, estimator: 'cumulative' }))).toEqual(new Set([0]));
      }
    }
  });

  it('is finite, bounded by the number of turns, and has one value per stretch', () => {
    const reward = fc.constantFrom(0.2, 0.7);
    const trajectory = fc.record({
      rewards: fc.array(reward, { maxLength: 3 }),
      end: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(trajectory, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('sum', 'cumulative'),
        (group, estimator) => {
          const values = mtGrpoAdvantages(
            group.map(({ rewards }) => rewards),
            group.map(({ end }) => end),
            { ...defaults, estimator },
          );
          for (const [i, stretches] of values.entries()) {
            expect(stretches).toHaveLength(group[i]!.rewards.length + 1);
            for (const value of stretches) {
              expect(Math.abs(value)).toBeLessThanOrEqual(
                (4 * (group.length - 1)) / Math.sqrt(group.length) + 1e-9,
              );
            }
          }
        },
      ),
    );
  });
});

describe('the tool’s result', () => {
  // equation (mt-grpo): r_turn
  it('is what is read after the call, without the question, in which the answer may be named', () => {
    const leaking = results([
      { read: ['Where? In Rome or in Paris? | at Rome | 3 turns left'], end: 0 },
      { read: ['Where? In Rome or in Paris? | at Paris | 3 turns left'], end: 0 },
    ]);
    expect(toolResult(leaking, leaking.edges[0]!)).toBe('  | at Rome | 3 turns left');
    // Only the second has found it.
    expect(credit(leaking)).toEqual([-0.71, 0, 0.71, 0]);
  });

  it('is without the transcript where the whole of it is read', () => {
    const tree = results([{ read: ['Where?\ns0\nfirst', 'Where?\ns0\nfirst\ns1\nsecond'], end: 0 }]);
    expect(toolResult(tree, tree.edges[0]!)).toBe('first');
    expect(toolResult(tree, tree.edges[1]!)).toBe('second');
    const empty = { ...tree, task: { ...tree.task, question: '' } };
    expect(toolResult(empty, tree.edges[1]!)).toBe('second');
  });

  it('is that of the call, not what the agent wrote, nor what it reads elsewhere', () => {
    // The agent asks for Paris itself: no result names it.
    const tree = results([
      { read: ['nothing'], end: 0 },
      { read: ['nothing'], end: 0 },
    ]);
    const asking = {
      ...tree,
      edges: tree.edges.map((edge, i) => (i === 0 ? { ...edge, action: 'Paris?' } : edge)),
    };
    expect(new Set(credit(asking))).toEqual(new Set([0]));
    // A call whose result is not there is not paid as found, nor is an action without a tool paid at all.
    const silent = { ...tree, edges: tree.edges.map(({ tool: _, ...edge }) => edge) };
    expect(new Set(credit(silent))).toEqual(new Set([0]));
  });
});

describe('MT-GRPO as an algorithm', () => {
  it('plans a flat group; a trajectory is one sequence; questions are apart', () => {
    expect(mtGrpo.next(chains([]), { ...defaults, groupSize: 2 }, random)).toEqual([
      { node: 0 },
      { node: 0 },
    ]);
    expect(mtGrpo.next(chains([1]), defaults, random)).toEqual([]);
    expect(mtGrpo.budget(7)).toEqual({ groupSize: 7 });
    const { actions } = mtGrpo.credit([chains([1, 1]), chains([0, 0])], defaults, random);
    expect(actions.map(({ advantage }) => advantage)).toEqual([0, 0, 0, 0]);
    expect(new Set(actions.map(({ sequence }) => sequence)).size).toBe(4);
    expect(mtGrpo.objective(defaults)).toMatchObject({ aggregation: 'token-mean', kl: 0 });
  });

  it('keeps the contract of algorithms; with equal returns it still pays for tool calls', async () => {
    for (const options of [{}, { turns: 'each' }, { estimator: 'cumulative' }]) {
      expect(await checkAlgorithm(mtGrpo, { random, batches: 5, options, constantRewards: 'any' })).toEqual(
        [],
      );
    }
    expect((await checkAlgorithm(mtGrpo, { random, batches: 5 })).join()).toContain('equal returns give');
    expect(await checkAlgorithm(mtGrpo, { random, batches: 5, options: { executed: 0, found: 0 } })).toEqual(
      [],
    );
  });

  it.each([{ coefficient: -1 }, { turns: 'last' }, { estimator: 'max' }])('refuses %j', (options) => {
    expect(mtGrpo.schema.safeParse(options).success).toBe(false);
  });
});

describe('the exact bias of MT-GRPO (groups of 4)', () => {
  // Means over trajectories under the plain loss: the audit sums over trained actions, 4 times as much.
  it.each<[object, 'plain' | 'own', number, number, number]>([
    [{}, 'plain', 4, 7.411085, 1.844772],
    [{ estimator: 'cumulative' }, 'plain', 4, -1.965657, 1.844772],
    [{}, 'own', 1, 4.6698, 1.1351],
    // Without rewards for turns it is GRPO, but for epsilon.
    [{ executed: 0, found: 0 }, 'plain', 4, -4.405, 1.8448],
  ])('on stop-or-search with %j, %s loss', async (options, objective, divisor, root, leaf) => {
    const found = await exactBias(mtGrpo, { groupSize: 4, ...options }, { objective });
    expect(found.kind).toBe('biased');
    expect(found.root / divisor).toBeCloseTo(root, 2);
    expect(found.leaf / divisor).toBeCloseTo(leaf, 3);
  });

  it.each<[object, readonly number[]]>([
    [{}, [10.7487, 14.6897, 2.034, 2.6823]],
    [{ turns: 'each' }, [28.2916, 14.6897, 2.034, 2.6823]],
  ])('on two searches with %j', async (options, expected) => {
    const { ratios } = await searchBias(mtGrpo, { groupSize: 4, ...options });
    for (const [i, value] of expected.entries()) expect(ratios[i]! / 4).toBeCloseTo(value, 2);
  });
});
