import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { rollout } from '../../bench/rollout/engine.ts';
import { abPolicy, counting, textTask } from '../../bench/text.test-helper.ts';
import { trainingRows } from '../../bench/training/update.ts';
import { createRandom } from '../../core/random.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
} from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { editEdges, tokens } from '../edit.test-helper.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { grpo } from '../grpo/index.ts';
import { chains, sketchTree } from '../sketch.test-helper.ts';
import { eapo, eapoPlan, eapoReturns } from './index.ts';

const defaults = eapo.schema.parse({});
const random = createRandom(0);

const rolloutsOf = (pairs: readonly (readonly [number, number])[]) =>
  pairs.map(([value, calls]) => ({ return: value, calls }));

describe('the returns with the penalty on redundant calls', () => {
  // equation (eapo): [R]: R' = R
  it('are R - eta (1 - d) (calls - fewest) of correct rollouts', () => {
    // Three of four are right, the leanest of them with one call: 1 - d is 3/4.
    const returns = eapoReturns(
      rolloutsOf([
        [1, 1],
        [1, 3],
        [1, 2],
        [0, 0],
      ]),
      defaults,
    );
    const expected = [1, 1 - 0.1 * 0.75 * 2, 1 - 0.1 * 0.75, 0];
    for (const [i, value] of returns.entries()) expect(value).toBeCloseTo(expected[i]!, 12);
    // Not the fewest calls of the whole group, which is 0 for a wrong answer.
    expect(returns[0]).not.toBeCloseTo(1 - 0.1 * 0.75, 6);
  });

  it('are lower on easy questions than on hard ones', () => {
    const second = (wrong: number) =>
      eapoReturns(
        rolloutsOf([[1, 0], [1, 4], ...Array.from({ length: wrong }, () => [0, 2] as const)]),
        defaults,
      )[1]!;
    expect(second(0)).toBeCloseTo(0.6, 12);
    expect(second(2)).toBeCloseTo(0.8, 12);
    expect(second(14)).toBeCloseTo(0.95, 12);
  });

  it('leave wrong rollouts and groups without a correct one alone', () => {
    expect(
      eapoReturns(
        rolloutsOf([
          [0.9, 5],
          [0, 9],
        ]),
        defaults,
      ),
    ).toEqual([0.9, 0]);
    const lenient = { ...defaults, correct: 0.9 };
    expect(
      eapoReturns(
        rolloutsOf([
          [0.9, 5],
          [0.95, 3],
        ]),
        lenient,
      )[0],
    ).toBeCloseTo(0.9 - 0.2, 12);
  });

  it('keep the order of correct and wrong within 1 / eta redundant calls', () => {
    const group = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.nat(9)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(group, (pairs) => {
        const returns = eapoReturns(rolloutsOf(pairs), defaults);
        for (const [i, value] of returns.entries()) {
          expect(value).toBeLessThanOrEqual(pairs[i]![0]);
          expect(value).toBeGreaterThanOrEqual(pairs[i]![0] === 1 ? 0.1 - 1e-12 : 0);
        }
      }),
    );
  });
});

describe('EAPO credit', () => {
  // One call and the right answer; two calls and the right answer; a wrong answer at once.
  const tree = editEdges(
    sketchTree([{ next: [{ end: 1 }] }, { next: [{ next: [{ end: 1 }] }] }, { end: 0 }]),
    {
      0: { ...tokens(2, { probability: 0.9 }), tool: true },
      1: tokens(1, { probability: 0.5 }),
      2: { ...tokens(1, { probability: 0.5 }), tool: true },
      3: { ...tokens(1, { probability: 0.5 }), tool: true },
      4: tokens(1, { probability: 0.5 }),
      5: tokens(1, { probability: 0.2 }),
    },
  );

  // equation (eapo): A_i
  it("is GRPO's of the penalised returns: the lean one above the wasteful one above the wrong one", () => {
    const { actions } = eapo.credit([tree], { ...defaults, epsilon: 0 }, random);
    const returns = [1, 1 - (0.1 * 2) / 3, 0];
    const center = (returns[0]! + returns[1]!) / 3;
    const std = Math.sqrt(returns.reduce((sum, value) => sum + (value - center) ** 2, 0) / 2);
    const expected = [0, 0, 1, 1, 1, 2].map((i) => (returns[i]! - center) / std);
    for (const [i, { advantage }] of actions.entries()) expect(advantage).toBeCloseTo(expected[i]!, 12);
  });

  // equation (eapo): [R]: a token weighs
  it('weighs tokens by the confidence in them, with mean 1 over the question', () => {
    const { actions } = eapo.credit([tree], defaults, random);
    const weights = actions.flatMap((action) => action.weights!);
    const center = (0.9 * 2 + 0.5 * 4 + 0.2) / 7;
    expect(weights[0]).toBeCloseTo(1 + 0.5 * (0.9 - center), 12);
    expect(weights.at(-1)).toBeCloseTo(1 + 0.5 * (0.2 - center), 12);
    expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(7, 12);
    const off = eapo.credit([tree], { ...defaults, confidence: 0 }, random);
    expect(off.actions.flatMap((action) => action.weights!)).toEqual(new Array(7).fill(1));
  });

  // equation (eapo): [R]: a token weighs
  it('gives forced tokens weight 0 and leaves them out of the mean', () => {
    const forced = editEdges(tree, { 5: { ...tokens(3, { probability: 0.2 }), forced: 2, begin: 'answer' } });
    const { actions } = eapo.credit([forced], defaults, random);
    const center = (0.9 * 2 + 0.5 * 4 + 0.2) / 7;
    const weights = actions.at(-1)!.weights!;
    expect(weights.slice(0, 2)).toEqual([0, 0]);
    expect(weights[2]).toBeCloseTo(1 + 0.5 * (0.2 - center), 12);
    // An action of forced tokens alone is not there at all.
    const wholly = editEdges(tree, { 5: { forced: 1 } });
    expect(trainingRows([wholly], eapo.credit([wholly], defaults, random)).map(({ edge }) => edge)).toEqual([
      0, 1, 2, 3, 4,
    ]);
  });

  it('has weights of 0 to 2, all finite, at any confidence', () => {
    const probability = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(probability, { minLength: 3, maxLength: 3 }),
        probability,
        (values, confidence) => {
          const group = editEdges(chains([1, 0, 0]), {
            ...values.map((value) => tokens(2, { probability: Math.max(value, 1e-12) })),
          });
          for (const { weights } of eapo.credit([group], { ...defaults, confidence }, random).actions) {
            for (const weight of weights!) {
              expect(weight).toBeGreaterThanOrEqual(0);
              expect(weight).toBeLessThanOrEqual(2);
            }
          }
        },
      ),
    );
  });

  it('is exactly 0 for equal returns below the threshold, or at equal calls', () => {
    const advantages = (returns: readonly number[], length: number) =>
      eapo.credit([chains(returns, length)], defaults, random).actions.map(({ advantage }) => advantage);
    expect(advantages([0.1, 0.1, 0.1], 2)).toEqual(new Array(6).fill(0));
    expect(advantages([1, 1, 1], 2)).toEqual(new Array(6).fill(0));
    expect(advantages([0.7], 1)).toEqual([0.7]);
    expect(
      eapo.credit([chains([0.7])], { ...defaults, singleton: 'zero' }, random).actions[0]!.advantage,
    ).toBe(0);
  });

  it("is GRPO's with everything off", () => {
    const off = { ...defaults, toolFree: 0, penalty: 0, confidence: 0 };
    const { actions } = grpo.credit([tree], grpo.schema.parse({}), random);
    const own = eapo.credit([tree], off, random).actions.map(({ weights: _, ...rest }) => rest);
    expect(own).toEqual(actions);
  });
});

describe('EAPO plan', () => {
  const begins = (groupSize: number, toolFree: number) =>
    eapoPlan(chains([]), { ...defaults, groupSize, toolFree }).filter(
      (point) => 'begin' in point && point.begin === 'answer',
    ).length;

  // equation (eapo): G rollouts from the start
  it('makes a rounded share of the group answer at once, never all of it', () => {
    expect([begins(16, 0.25), begins(4, 0.25), begins(2, 0.25), begins(1, 0.25)]).toEqual([4, 1, 1, 0]);
    expect([begins(8, 0), begins(8, 1)]).toEqual([0, 7]);
    expect(eapoPlan(chains([]), defaults)).toHaveLength(16);
    expect(eapoPlan(chains([1]), defaults)).toEqual([]);
    expect(eapo.budget(7)).toEqual({ groupSize: 7 });
  });

  // equation (eapo): G rollouts from the start
  it('trains the tool-free rollout as part of the group', async () => {
    const options = eapo.schema.parse({ groupSize: 4, toolFree: 0.5 });
    const [tree] = await rollout({
      environment: stopOrSearch(),
      policy: createTabularPolicy(STOP_OR_SEARCH_LOGITS),
      plan: (grown, draws) => eapo.next(grown, options, draws),
      tasks: [STOP_OR_SEARCH_TASK],
      random: createRandom(2),
      sampling: { temperature: 1 },
    });
    const forced = tree!.edges.filter(({ begin }) => begin === 'answer');
    expect(forced.map(({ action }) => action)).toEqual(['stop', 'stop']);
    const rows = trainingRows([tree!], eapo.credit([tree!], options, random));
    expect(rows.map(({ edge }) => edge).sort()).toEqual(tree!.edges.map(({ id }) => id).sort());
  });

  it('leaves a forced beginning in free text out of the loss', async () => {
    const environment = counting(2);
    const options = eapo.schema.parse({ groupSize: 4 });
    const [tree] = await rollout({
      environment: { ...environment, text: { ...environment.text!, answering: 'aa' } },
      policy: abPolicy,
      plan: (grown, draws) => eapo.next(grown, options, draws),
      tasks: [textTask('t')],
      random: createRandom(3),
      sampling: { temperature: 1 },
    });
    const credited = eapo.credit([tree!], options, random).actions;
    const forced = credited.filter(({ edge }) => tree!.edges[edge]!.begin === 'answer');
    expect(forced.length).toBeGreaterThan(0);
    for (const { weights } of forced) {
      expect(weights!.slice(0, 2)).toEqual([0, 0]);
      expect(weights!.slice(2).every((weight) => weight > 0)).toBe(true);
    }
  });
});

it('keeps the contract of an algorithm', async () => {
  expect(await checkAlgorithm(eapo, { random, batches: 5 })).toEqual([]);
  const options = { toolFree: 0.5, correct: 0.3, confidence: 1, penalty: 1 };
  // A return of 1/2 is correct here, and calls cost: equal returns rightly teach.
  expect(await checkAlgorithm(eapo, { random, batches: 5, options, constantRewards: 'any' })).toEqual([]);
  const problems = await checkAlgorithm(eapo, { random, batches: 5, options });
  expect(problems.some((problem) => problem.includes('equal returns'))).toBe(true);
});

describe('the exact bias of EAPO', () => {
  // Credit by token is summed over a group of 4, so with everything off it is 4 times GRPO's -4.406, 1.845 (field
  // notes, section E). A forced 'stop' is an outcome that the policy did not choose: more bias at the root.
  it.each([
    [{ toolFree: 0, confidence: 0 }, 'plain', -17.62513, 7.38122],
    [{ toolFree: 0, confidence: 0 }, 'own', -3.52213, 0.92265],
    [{ confidence: 0 }, 'plain', -22.2069, 6.33474],
    [{ confidence: 0 }, 'own', -4.43774, 0.79184],
    [{ toolFree: 0 }, 'own', -3.24967, 0.89279],
    [{}, 'plain', -20.64193, 6.25555],
    [{}, 'own', -4.21159, 0.76794],
  ] as const)('%j, %s loss', async (options, objective, root, leaf) => {
    const bias = await exactBias(eapo, { groupSize: 4, ...options }, { objective });
    expect(bias.kind).toBe('biased');
    expect(bias.root).toBeCloseTo(root, 4);
    expect(bias.leaf).toBeCloseTo(leaf, 4);
    expect(bias.result.gradient.flipped).toEqual(['start: stop', 'start: search']);
  });
});
