import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { collect } from '../../bench/training/collect.ts';
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
import { evaluateLoss } from '../objective.ts';
import { chains, sketchTree } from '../sketch.test-helper.ts';
import { leaves } from '../tree.ts';
import { dapo, isInformative, overlongPenalty } from './index.ts';

const defaults = dapo.schema.parse({});
const random = createRandom(0);
const published = { maxLength: 20_480, cache: 4096 };

describe('the overlong penalty', () => {
  // Reference 1.6.
  // equation (dapo): Eq. 13
  it.each([
    [16_384, 0],
    [18_432, -0.5],
    [20_480, -1],
    [0, 0],
    [16_385, -1 / 4096],
    [100_000, -1],
  ])('of %d tokens is %d', (length, expected) => {
    expect(overlongPenalty(length, published)).toBe(expected);
  });

  it('never rises with the length, stays in [-1, 0], and is off with null', () => {
    const option = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(option, option, fc.nat(3000), (cache, rest, length) => {
        const options = { maxLength: cache + rest, cache };
        const value = overlongPenalty(length, options);
        expect(value).toBeLessThanOrEqual(0);
        expect(value).toBeGreaterThanOrEqual(-1);
        expect(overlongPenalty(length + 1, options)).toBeLessThanOrEqual(value);
        expect(overlongPenalty(length, { maxLength: null, cache })).toBe(0);
      }),
    );
  });

  it('is rejected where it would begin below no tokens at all', () => {
    expect(() => dapo.schema.parse({ maxLength: 100, cache: 101 })).toThrow('at most maxLength');
    expect(dapo.schema.parse({ maxLength: 100, cache: 100 }).cache).toBe(100);
  });
});

describe('dynamic sampling', () => {
  const keeps = (returns: readonly number[], options: object = {}) =>
    isInformative(chains(returns), dapo.schema.parse(options));

  // equation (dapo): Eq. 11
  it('drops questions whose rollouts are all correct or all wrong', () => {
    expect(keeps([1, 1, 1])).toBe(false);
    expect(keeps([0, 0, 0])).toBe(false);
    expect(keeps([1, 0, 0])).toBe(true);
    expect(keeps([0.3, 0.3, 0.3])).toBe(false);
  });

  it('of F1 rewards keeps all that differ, or with "correct" only those that straddle the threshold', () => {
    expect(keeps([0.2, 0.4])).toBe(true);
    expect(keeps([0.2, 0.4], { filter: 'correct' })).toBe(false);
    expect(keeps([0.2, 1], { filter: 'correct' })).toBe(true);
    expect(keeps([0.2, 0.4], { filter: 'correct', correct: 0.3 })).toBe(true);
    expect(keeps([0.4, 0.4], { filter: 'none' })).toBe(true);
  });

  it('keeps a single rollout', () => {
    expect(keeps([0.5])).toBe(true);
  });

  // equation (dapo): Eq. 11
  it('goes on with further questions until enough are kept, at most `batches` times', async () => {
    const gather = (batches: number, filter: 'returns' | 'correct') => {
      const options = dapo.schema.parse({ groupSize: 2, batches, filter });
      return collect({
        request: {
          environment: stopOrSearch(),
          policy: createTabularPolicy(STOP_OR_SEARCH_LOGITS),
          plan: (tree, draws) => dapo.next(tree, options, draws),
          random: createRandom(1),
          sampling: { temperature: 1 },
        },
        questions: 8,
        nextTasks: (count) => Array.from({ length: count }, () => STOP_OR_SEARCH_TASK),
        resampling: dapo.resampling!(options),
      });
    };
    const { trees, used } = await gather(10, 'returns');
    expect(used).toBe(8);
    expect(trees.length).toBeGreaterThan(8);
    for (const tree of trees.slice(0, used)) {
      expect(new Set(leaves(tree).map((leaf) => leaf.return)).size).toBe(2);
    }
    const single = await gather(1, 'correct');
    expect(single.trees).toHaveLength(8);
    expect(single.used).toBeLessThan(8);
  });
});

describe('DAPO credit', () => {
  // equation (dapo): Eq. 9
  it("is GRPO's where nothing is too long", () => {
    const trees = [chains([1, 0, 0, 1], 2), chains([0.5, 0, 0.8, 1])];
    expect(dapo.credit(trees, defaults, random)).toEqual(grpo.credit(trees, grpo.schema.parse({}), random));
  });

  // equation (dapo): Eq. 13
  it('takes the penalty off the return, by the generated tokens of all actions of a trajectory', () => {
    // Two actions of 3 and 3 tokens, and of 3 and 1: lengths 6 and 4, penalties -1 and -0.5 of returns 1 and 0.
    const tree = editEdges(chains([1, 0], 2), { 0: tokens(3), 1: tokens(3), 2: tokens(3), 3: tokens(1) });
    const options = { ...defaults, maxLength: 5, cache: 2, epsilon: 0 };
    const of = (changed: typeof options) =>
      dapo.credit([tree], changed, random).actions.map(({ advantage }) => Number(advantage));
    expect(overlongPenalty(4, options)).toBe(-0.5);
    // 0 and -0.5: the std is 0.3536, the advantages +-0.7071. Without the penalty the same sign; with a penalty by
    // the last action alone (lengths 3 and 1) they would be 1 and 0.
    for (const [i, value] of of(options).entries()) {
      expect(value).toBeCloseTo(i < 2 ? Math.SQRT1_2 : -Math.SQRT1_2, 12);
    }
    // 1 - 1 and 0.6 - 0.5 change their order.
    const close = editEdges(chains([1, 0.6], 2), { 0: tokens(3), 1: tokens(3), 2: tokens(3), 3: tokens(1) });
    const [first] = dapo.credit([close], options, random).actions;
    expect(first!.advantage).toBeCloseTo(-Math.SQRT1_2, 12);
    const [unshaped] = dapo.credit([close], { ...options, maxLength: null }, random).actions;
    expect(unshaped!.advantage).toBeCloseTo(Math.SQRT1_2, 12);
  });

  it('shapes nothing where actions are listed', () => {
    const text = editEdges(chains([1, 0]), { 0: tokens(9) });
    const listed = {
      ...text,
      nodes: text.nodes.map((node) => ({ ...node, prompt: { ...node.prompt, actions: ['a', 'b'] } })),
    };
    const options = { ...defaults, maxLength: 4, cache: 4 };
    const first = (tree: typeof text) => Number(dapo.credit([tree], options, random).actions[0]!.advantage);
    expect(first(listed)).toBeCloseTo(Math.SQRT1_2, 5);
    // In free text 1 - 1 against 0 - 0.25; and 0.2 - 1 against 0 - 0.25.
    expect(first(text)).toBeCloseTo(Math.SQRT1_2, 5);
    expect(first(editEdges(chains([0.2, 0]), { 0: tokens(9) }))).toBeCloseTo(-Math.SQRT1_2, 5);
  });

  it('is exactly 0 for equal returns of equal length, and a single rollout keeps its return', () => {
    const { actions } = dapo.credit([chains([0.1, 0.1, 0.1], 2)], defaults, random);
    expect(actions.map(({ advantage }) => advantage)).toEqual(new Array(6).fill(0));
    expect(dapo.credit([chains([0.7])], defaults, random).actions[0]!.advantage).toBe(0.7);
  });
});

describe('the loss of DAPO', () => {
  const tree = sketchTree([{ next: [{ next: [{ end: 1 }] }] }, { end: 0 }]);
  const rows = trainingRows([tree], dapo.credit([tree], { ...defaults, epsilon: 0 }, random));
  const at = (objective: ReturnType<typeof dapo.objective>, move: number) =>
    evaluateLoss(
      objective,
      rows,
      rows.map(({ oldLogProbs }) => oldLogProbs.map((value) => value + Math.log(move))),
    );

  // equation (dapo): Eq. 12
  it('is a mean over tokens: a trajectory of three weighs three times one of one', () => {
    const gradients = at(dapo.objective(defaults), 1).gradient.map((row) => row[0]!);
    for (const [i, gradient] of gradients.entries()) {
      expect(gradient).toBeCloseTo((i < 3 ? -Math.SQRT1_2 : Math.SQRT1_2) / 4, 12);
    }
    // GRPO's mean of means would give the tokens of the long one a third.
    const [grpoGradient] = at(grpo.objective(grpo.schema.parse({})), 1).gradient;
    expect(grpoGradient![0]).toBeCloseTo(-Math.SQRT1_2 / 6, 12);
  });

  // equation (dapo): Eq. 8
  it('clips at 0.8 and 1.28, and has no KL', () => {
    expect(dapo.objective(defaults)).toEqual({
      clip: { low: 0.2, high: 0.28 },
      aggregation: 'token-mean',
      normalizer: 1,
      kl: 0,
    });
    // Of the four tokens the three with a positive advantage are clipped above, the other one below.
    const share = (move: number) => at(dapo.objective(defaults), move).clipFraction;
    expect([share(1.27), share(1.29), share(0.81), share(0.79)]).toEqual([0, 0.75, 0, 0.25]);
  });
});

describe('DAPO', () => {
  it('plans G rollouts from the root, once, and keeps the contract', async () => {
    expect(dapo.next(chains([]), { ...defaults, groupSize: 3 }, random)).toEqual(
      Array.from({ length: 3 }, () => ({ node: 0 })),
    );
    expect(dapo.next(chains([1]), defaults, random)).toEqual([]);
    expect(dapo.budget(7)).toEqual({ groupSize: 7 });
    expect(await checkAlgorithm(dapo, { random, batches: 5 })).toEqual([]);
    const options = { filter: 'correct', maxLength: 4, cache: 2 };
    expect(await checkAlgorithm(dapo, { random, batches: 5, options })).toEqual([]);
  });
});

describe('the exact bias of DAPO', () => {
  // Groups of equal returns teach nothing anyway, so leaving them out changes no expectation: credit alone is GRPO's
  // (field notes, section E: -4.406, 1.845). With 'correct' what is left out does teach.
  it.each([
    ['returns', 'plain', -4.40628, 1.8453, true],
    ['returns', 'own', -2.99631, 1.13541, true],
    ['none', 'own', -2.99631, 1.13541, true],
    ['correct', 'plain', 5.91506, 1.49667, false],
    ['correct', 'own', 4.01366, 0.89863, false],
  ] as const)('filter %s, %s loss', async (filter, objective, root, leaf, isFlipped) => {
    const bias = await exactBias(dapo, { groupSize: 4, filter }, { objective });
    expect(bias.kind).toBe('biased');
    expect(bias.root).toBeCloseTo(root, 4);
    expect(bias.leaf).toBeCloseTo(leaf, 4);
    expect(bias.result.gradient.flipped).toEqual(isFlipped ? ['start: stop', 'start: search'] : []);
  });
});
