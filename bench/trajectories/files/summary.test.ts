import { describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../../algorithms/algorithm.ts';
import { configured } from '../../../algorithms/configured.ts';
import { grpo } from '../../../algorithms/grpo/index.ts';
import { reinforce } from '../../../algorithms/reinforce/index.ts';
import { rloo } from '../../../algorithms/rloo/index.ts';
import { shuffledCredit } from '../../../algorithms/shuffled-credit/index.ts';
import { createRandom } from '../../../core/random.ts';
import { mean, standardDeviation } from '../../../core/statistics.ts';
import { spearman } from '../../stats/correlation.ts';
import type { MethodCredit } from '../credit.ts';
import { growTree } from '../grow.ts';
import { trajectoryOf, turnOf } from '../made-up.test-helper.ts';
import type { Trajectory } from '../trajectory.ts';
import { creditFile } from './file-credit.ts';
import { QuantileSketch } from './quantile-sketch.ts';
import { Summing } from './summary.ts';

describe('the sketch of a distribution', () => {
  it('has the mean and deviation, and quantiles to 1 %', () => {
    const random = createRandom(1);
    const values = Array.from(
      { length: 20_000 },
      () => (random.uniform() - 0.4) * 10 ** (4 * random.uniform() - 2),
    );
    const sketch = new QuantileSketch();
    for (const value of values) sketch.add(value);
    const found = sketch.summary()!;
    expect(found.mean).toBeCloseTo(mean(values), 10);
    expect(found.sd).toBeCloseTo(standardDeviation(values, 'population'), 10);
    const sorted = values.toSorted((a, b) => a - b);
    for (const share of [5, 25, 50, 75, 95] as const) {
      const exact = sorted[(share / 100) * values.length - 1]!;
      expect(Math.abs(found[`p${share}`] / exact - 1)).toBeLessThan(0.0101);
    }
    expect([found.min, found.max, found.count]).toEqual([sorted[0], sorted.at(-1), 20_000]);
  });

  it('tells few different values as they are, however often they are added', () => {
    const sketch = new QuantileSketch();
    sketch.add(-0.3, 1_000_000);
    sketch.add(0, 500_000);
    for (let time = 0; time < 5; time++) sketch.add(1.7, 100_000);
    const { p5, p25, p50, p75, p95, mean: middle } = sketch.summary()!;
    expect([p5, p25, p50, p95]).toEqual([-0.3, -0.3, -0.3, 1.7].map((value) => expect.closeTo(value, 12)));
    expect(p75).toBe(0);
    expect(middle).toBeCloseTo((-0.3 * 10 + 1.7 * 5) / 20, 12);
    expect(new QuantileSketch().summary()).toBeNull();
  });
});

/** Two groups: in the second, all have the same reward. */
const FILE: readonly Trajectory[] = [
  trajectoryOf('a', [turnOf([1, 2]), turnOf([3])], 1),
  trajectoryOf('b', [turnOf([1, 2]), turnOf([4])], 0),
  trajectoryOf('c', [turnOf([5])], 0),
  trajectoryOf('d', [turnOf([6, 7, 8])], 1, { group: 'r' }),
  trajectoryOf('e', [turnOf([6])], 1, { group: 'r' }),
  trajectoryOf('f', [turnOf([6])], 1, { group: 's' }),
];

async function summaryOf(algorithms: readonly unknown[], trajectories = FILE) {
  return creditFile({
    name: 'file',
    read: async function* () {
      for (const [index, trajectory] of trajectories.entries()) yield { trajectory, at: `line ${index + 1}` };
    },
    methods: algorithms.map((one) => ({
      name: (one as AnyAlgorithm).id,
      algorithm: configured(one as AnyAlgorithm),
    })),
    ...{ merge: 'turns', random: createRandom(0) },
  });
}

describe('the summary', () => {
  it('counts actions once, tells zero-signal groups and groups of one', async () => {
    const summary = await summaryOf([rloo, reinforce]);
    expect(summary).toMatchObject({ trajectories: 6, groups: 3, singletons: 1, batches: 1, sharing: 2 });
    expect(summary).toMatchObject({ actions: 7, tokens: 2 + 1 + 1 + 1 + 3 + 1 + 1 });
    const [leaveOneOut, plain] = summary.methods;
    expect(leaveOneOut).toMatchObject({ actions: 7, trainedActions: 7, tokens: 10, trainedTokens: 10 });
    // Of a single return, leave-one-out keeps the return.
    expect(leaveOneOut!.zeroGroups).toBe(1);
    expect(plain!.zeroGroups).toBe(0);
    // Rows have the shared tokens twice: 12 tokens.
    expect(plain!.advantages).toMatchObject({ count: 12, min: 0, max: 1, mean: expect.closeTo(8 / 12, 12) });
  });

  it('correlates the credit of actions, and finds where methods are furthest apart', async () => {
    const { pairs } = await summaryOf([rloo, grpo, reinforce]);
    expect(pairs.map(({ methods }) => methods.join(' '))).toEqual([
      'rloo grpo',
      'rloo reinforce',
      'grpo reinforce',
    ]);
    expect(pairs[0]!.spearman!).toBeGreaterThan(0.95);
    expect(pairs[0]!.actions).toBe(7);
    expect(pairs[1]!.spearman!).toBeLessThan(0.9);
    const [most] = pairs[1]!.apart;
    expect(most!.distance).toBeGreaterThan(pairs[1]!.apart.at(-1)!.distance);
    for (const { group, id, at, turn, credit } of pairs[1]!.apart) {
      const place = FILE.findIndex((one) => one.group === group && one.id === id);
      expect(at).toBe(`line ${place + 1}`);
      expect(turn).toBeLessThan(FILE[place]!.turns.length);
      // A shared action has the credit of both rollouts, and is named by the first.
      const users = id === 'a' && turn === 0 ? 1 + 0 : FILE[place]!.reward;
      expect(credit[1]).toBeCloseTo(users!, 12);
    }
  });

  it('is worked out from a sample when there are many actions: the correlation of a control is about 0', async () => {
    const random = createRandom(2);
    const many = Array.from({ length: 4000 }, (_, index) =>
      trajectoryOf(
        `${index}`,
        Array.from({ length: 5 }, () => turnOf([1 + random.integer(9)])),
        random.uniform(),
        {
          group: `q${Math.floor(index / 8)}`,
        },
      ),
    );
    const { pairs, actions } = await summaryOf([rloo, grpo, shuffledCredit], many);
    expect(actions).toBeGreaterThan(15_000);
    // Those that the sample has: no more than its size, and all methods train all of them.
    expect(pairs.map((pair) => pair.actions)).toEqual([10_000, 10_000, 10_000]);
    expect(pairs[0]!.spearman!).toBeGreaterThan(0.95);
    // Rollouts have five actions each: the standard error is about 1 / sqrt(2000).
    expect(Math.abs(pairs[1]!.spearman!)).toBeLessThan(0.1);
  });

  it('draws from the whole file alike', () => {
    const random = createRandom(9);
    const summing = new Summing(['a', 'b'], createRandom(1));
    const [batches, size] = [40, 1000];
    for (let batch = 0; batch < batches; batch++) {
      const group = Array.from({ length: size }, (_, id) => trajectoryOf(`${id}`, [turnOf([id])], 0));
      const grown = [growTree(group, 'none')];
      const values = group.map(() => random.uniform());
      // In the first half of the file the second method agrees with the first, then it says the contrary.
      const credits = [1, batch < batches / 2 ? 1 : -1].map((sign, which) =>
        summing.addMethod(which, grown, {
          credits: [values.map((value) => [Float64Array.of(sign * value)])],
          left: { clipScale: 0, nllWeight: 0, offPolicy: 0 },
        }),
      );
      const names = group.map(({ id }) => ({ group: 'q', id, at: `line ${id}` }));
      summing.endBatch(grown, credits, [names]);
    }
    const [pair] = summing.summary().pairs;
    expect(pair!.actions).toBe(10_000);
    // Half and half: as many of either, give or take 50, and so no correlation but for the different means.
    const values = Array.from({ length: 20_000 }, () => random.uniform());
    const whole = spearman([...values, ...values], [...values, ...values.map((value) => -value)])!;
    expect(Math.abs(pair!.spearman! - whole)).toBeLessThan(0.05);
  });

  it('has no numbers of a method that could say nothing', async () => {
    const { methods, pairs } = await summaryOf([
      rloo,
      (await import('../../../algorithms/ppo/index.ts')).ppo,
    ]);
    expect(methods[1]).toMatchObject({
      batches: 0,
      advantages: null,
      lacks: [{ fields: 'outputs of its critic (outputs.critic)', batches: 1 }],
    });
    expect(pairs).toEqual([]);
  });

  it('counts tokens that are not trained, and what advantages leave out', () => {
    const grown = [growTree([trajectoryOf('a', [turnOf([1, 2, 3]), turnOf([4])], 1)], 'none')];
    const said: MethodCredit = {
      credits: [[[Float64Array.of(Number.NaN, 0.5, 0), undefined]]],
      left: { clipScale: 1, nllWeight: 2, offPolicy: 3 },
    };
    const summing = new Summing(['m'], createRandom(0));
    const credit = summing.addMethod(0, grown, said);
    summing.endBatch(grown, [credit], [[{ group: 'q', id: 'a', at: 'line 1' }]]);
    expect([...credit]).toEqual([0.5 / 3, Number.NaN]);
    expect(summing.summary().methods[0]).toMatchObject({
      ...{ actions: 2, trainedActions: 1, tokens: 4, trainedTokens: 2, zeroGroups: 0 },
      left: { clipScale: 1, nllWeight: 2, offPolicy: 3 },
      advantages: { count: 2, mean: 0.25 },
    });
  });
});
