import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { rollout } from '../../bench/rollout/engine.ts';
import { trainingRows } from '../../bench/training/update.ts';
import { createRandom } from '../../core/random.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
} from '../../envs/diagnostic/stop-or-search.ts';
import { lookAhead } from '../../envs/look-ahead.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { editEdges, tokens } from '../edit.test-helper.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { grpo } from '../grpo/index.ts';
import { evaluateLoss } from '../objective.ts';
import { chains, sketchTree } from '../sketch.test-helper.ts';
import { aipo, aipoPlan } from './index.ts';

const defaults = aipo.schema.parse({});
const random = createRandom(0);

describe('AIPO plan', () => {
  // equation (aipo): [R]: in a share
  it('has an expert take the first action in a rounded share of the group, never in all of it', () => {
    const expertRollouts = (groupSize: number, expert: number) =>
      aipoPlan(chains([]), { ...defaults, groupSize, expert }).filter(
        (point) => 'begin' in point && point.begin === 'expert',
      ).length;
    expect([
      expertRollouts(16, 0.25),
      expertRollouts(4, 0.25),
      expertRollouts(2, 0.25),
      expertRollouts(1, 1),
    ]).toEqual([4, 1, 1, 0]);
    expect([expertRollouts(8, 0), expertRollouts(8, 1)]).toEqual([0, 7]);
    expect(aipoPlan(chains([]), defaults)).toHaveLength(16);
    expect(aipoPlan(chains([1]), defaults)).toEqual([]);
    expect(aipo.budget(7)).toEqual({ groupSize: 7 });
  });

  // Three failed rollouts, most uncertain at nodes 2 (entropy 3), 4 (entropy 4) and 0 (1); and one that has not failed (9).
  const tree = editEdges(
    sketchTree([
      { next: [{ next: [{ end: 0 }] }] },
      { next: [{ end: 0.2 }] },
      { end: 0 },
      { next: [{ end: 1 }] },
    ]),
    {
      0: tokens(1, { entropy: 2 }),
      1: tokens(1, { entropy: 0.5 }),
      2: tokens(2, { entropy: 3 }),
      3: tokens(9, { entropy: 1 }),
      4: tokens(1, { entropy: 4 }),
      6: tokens(1, { entropy: 9 }),
    },
  );
  const secondCall = (expert: number, of = tree) =>
    aipoPlan(of, { ...defaults, groupSize: 8, at: 'failure', expert });

  // equation (aipo): [R]: which action
  it('with "failure" waits for the own rollouts, then has the expert act where failed ones were most uncertain', () => {
    expect(aipoPlan(chains([]), { ...defaults, groupSize: 8, at: 'failure' })).toEqual(
      new Array(6).fill({ node: 0 }),
    );
    const expert = (node: number) => ({ node, begin: 'expert' });
    // By the mean over an action's tokens: of the sum, node 0 before node 4 would have the most (nine tokens).
    expect(secondCall(0.5)).toEqual([expert(4), expert(2), expert(0), expert(4)]);
    expect(secondCall(0.125)).toEqual([expert(4)]);
  });

  it('asks no expert if nothing failed, and spends the rest on own rollouts', () => {
    expect(secondCall(0.25, chains([1, 1]))).toEqual([{ node: 0 }, { node: 0 }]);
  });

  it('ends after the second call', () => {
    expect(secondCall(0.5, sketchTree([{ end: 0 }, { round: 1, start: true, end: 0 }]))).toEqual([]);
  });
});

describe('AIPO credit', () => {
  // An expert's action of three tokens at the root, one of the policy's own behind it, and a rollout of its own.
  const tree = editEdges(sketchTree([{ next: [{ end: 1 }] }, { end: 0 }]), {
    0: { ...tokens(3, { probability: 0.2 }), forced: 3, begin: 'expert' },
  });

  // equation (aipo): A_i
  it("is GRPO's over the whole group; forced tokens are marked as off-policy, and only they", () => {
    const { actions } = aipo.credit([tree], defaults, random);
    const expected = grpo.credit([tree], grpo.schema.parse({}), random).actions;
    expect(actions.map(({ offPolicy: _, ...rest }) => rest)).toEqual(expected);
    expect(actions.map(({ offPolicy }) => offPolicy)).toEqual([0.1, undefined, undefined]);
  });

  // equation (aipo): [R]: forced tokens
  it('shapes forced tokens by p / (p + gamma), without a clip on either side', () => {
    const rows = trainingRows([tree], aipo.credit([tree], { ...defaults, epsilon: 0 }, random));
    const gradient = (probability: number) =>
      evaluateLoss(aipo.objective(defaults), rows, [
        new Array(3).fill(Math.log(probability)),
        [...rows[1]!.oldLogProbs],
        [...rows[2]!.oldLogProbs],
      ]).gradient[0]![0]!;
    // d/d log p of p / (p + 0.1) is p * 0.1 / (p + 0.1)^2; a third of a quarter: 4 tokens, 2 trajectories.
    for (const probability of [0.01, 0.1, 0.2, 0.9]) {
      const share = probability / (probability + 0.1);
      expect(gradient(probability)).toBeCloseTo((-Math.SQRT1_2 * share * (1 - share)) / 8, 12);
    }
    // Largest at p = gamma. A ratio would be clipped from 0.24 on, and proportional to p below.
    expect(Math.abs(gradient(0.1))).toBeGreaterThan(Math.abs(gradient(0.2)));
    expect(Math.abs(gradient(0.9))).toBeGreaterThan(0);
  });

  it('or as the ratio p / p_old without a clip, or not at all', () => {
    const ratio = aipo.schema.parse({ forced: 'ratio', epsilon: 0 });
    const rows = trainingRows([tree], aipo.credit([tree], ratio, random));
    const { gradient, clipFraction } = evaluateLoss(aipo.objective(ratio), rows, [
      new Array(3).fill(Math.log(0.9)),
      [...rows[1]!.oldLogProbs],
      [...rows[2]!.oldLogProbs],
    ]);
    expect(gradient[0]![0]).toBeCloseTo((-Math.SQRT1_2 * 4.5) / 8, 12);
    expect(clipFraction).toBe(0);
    const none = trainingRows([tree], aipo.credit([tree], { ...defaults, forced: 'none' }, random));
    expect(none.map(({ edge }) => edge)).toEqual([1, 2]);
  });

  it('trains the beginning that a rollout with an expert shares with a failed one in both', () => {
    const forked = editEdges(sketchTree([{ next: [{ end: 0 }, { round: 1, start: true, end: 1 }] }]), {
      2: { forced: 1, begin: 'expert' },
    });
    const { actions } = aipo.credit([forked], { ...defaults, epsilon: 0 }, random);
    expect(actions.map(({ edge }) => edge)).toEqual([0, 1, 0, 2]);
    expect(actions.map(({ offPolicy }) => offPolicy)).toEqual([undefined, undefined, undefined, 0.1]);
    expect(Number(actions[0]!.advantage) + Number(actions[2]!.advantage)).toBeCloseTo(0, 12);
  });

  it('is exactly 0 for equal returns, and a single rollout keeps its return', () => {
    const equal = editEdges(chains([0.1, 0.1, 0.1], 2), { 0: { forced: 1, begin: 'expert' } });
    const { actions } = aipo.credit([equal], defaults, random);
    expect(actions.map(({ advantage }) => advantage)).toEqual(new Array(6).fill(0));
    expect(aipo.credit([chains([0.7])], defaults, random).actions[0]!.advantage).toBe(0.7);
  });
});

describe('AIPO', () => {
  // equation (aipo): [R]: in a share
  it.each(['root', 'failure'] as const)(
    'has an expert act once in a rollout (at: %s), and in no more than planned',
    async (at) => {
      const environment = stopOrSearch();
      const options = aipo.schema.parse({ groupSize: 6, expert: 0.5, at });
      const [tree] = await rollout({
        environment,
        policy: createTabularPolicy(STOP_OR_SEARCH_LOGITS),
        plan: (grown, draws) => aipo.next(grown, options, draws),
        tasks: [STOP_OR_SEARCH_TASK],
        random: createRandom(1),
        sampling: { temperature: 1 },
        expert: lookAhead(environment),
      });
      expect(tree!.edges.filter(({ start }) => start)).toHaveLength(6);
      const forced = tree!.edges.filter(({ begin }) => begin === 'expert');
      expect(forced).toHaveLength(3);
      for (const edge of forced) {
        expect([edge.start, edge.forced]).toEqual([true, 1]);
        expect(edge.action).toBe(edge.from === 0 ? 'search' : 'A');
      }
    },
  );

  it('keeps the contract', async () => {
    expect(await checkAlgorithm(aipo, { random, batches: 5 })).toEqual([]);
    for (const forced of ['ratio', 'none']) {
      const options = { groupSize: 6, at: 'failure', expert: 0.5, forced };
      expect(await checkAlgorithm(aipo, { random, batches: 5, options })).toEqual([]);
    }
  });
});

describe('the exact bias of AIPO', () => {
  // Without an expert, GRPO's (field notes, section E: -4.406, 1.845). A rollout that is made to search shifts the
  // group's mean and std, and its continuation trains the leaf more often.
  it.each([
    [{ expert: 0 }, 'plain', -4.40628, 1.8453],
    [{ expert: 0 }, 'own', -3.52213, 0.92265],
    [{}, 'plain', -2.99062, 2.02067],
    [{}, 'own', -2.58447, 1.01034],
    [{ forced: 'ratio' }, 'plain', -3.63847, 2.02067],
    [{ forced: 'ratio' }, 'own', -2.90839, 1.01034],
    [{ forced: 'none' }, 'plain', -2.90007, 2.02067],
    [{ forced: 'none' }, 'own', -2.53919, 1.39562],
    [{ at: 'failure' }, 'plain', -2.94292, 2.02067],
    [{ at: 'failure' }, 'own', -2.52767, 1.01034],
  ] as const)('%j, %s loss', async (options, objective, root, leaf) => {
    const bias = await exactBias(aipo, { groupSize: 4, ...options }, { objective });
    expect(bias.kind).toBe('biased');
    expect(bias.root).toBeCloseTo(root, 4);
    expect(bias.leaf).toBeCloseTo(leaf, 4);
    expect(bias.result.gradient.flipped).toEqual(['start: stop', 'start: search']);
  });
});
