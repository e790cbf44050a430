import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { errorRates, youdenThreshold } from './classify.ts';
import { clusterBootstrap } from './cluster-bootstrap.ts';
import { pearson, spearman } from './correlation.ts';
import golden from './golden/scipy.json' with { type: 'json' };
import { histogram } from './histogram.ts';
import { averageRanks, brunnerMunzel, cliffsDelta, rocAuc } from './rank.ts';

describe('two samples, as SciPy has them', () => {
  it.each(golden.twoSamples)('$name', ({ x, y, ranks, statistic, degreesOfFreedom, p, auc, delta }) => {
    expect([...averageRanks([...x, ...y])]).toEqual(ranks);
    const test = brunnerMunzel(x, y)!;
    expect(test.statistic).toBeCloseTo(statistic, 10);
    expect(test.degreesOfFreedom).toBeCloseTo(degreesOfFreedom, 9);
    expect(test.p / p).toBeCloseTo(1, 8);
    const positive = [...x.map(() => false), ...y.map(() => true)];
    expect(rocAuc([...x, ...y], positive)).toBeCloseTo(auc, 12);
    expect(cliffsDelta(y, x)).toBeCloseTo(delta, 12);
    expect(cliffsDelta(x, y)).toBeCloseTo(-delta, 12);
  });

  it('counts pairs: a hand-made case with a tie', () => {
    // Pairs (2,1) (2,2) (3,1) (3,2): three wins and a tie.
    expect(rocAuc([2, 3, 1, 2], [true, true, false, false])).toBe(3.5 / 4);
    expect(cliffsDelta([2, 3], [1, 2])).toBe(0.75);
  });

  it('has no answer where there is none', () => {
    expect(rocAuc([1, 2], [true, true])).toBeNull();
    expect(cliffsDelta([], [1])).toBeNull();
    expect(brunnerMunzel([1], [1, 2])).toBeNull();
    expect(brunnerMunzel([1, 2], [3, 4])).toBeNull();
  });
});

describe('correlation', () => {
  it.each(golden.pairs)('$name, as SciPy has it', (pair) => {
    expect(pearson(pair.x, pair.y)).toBeCloseTo(pair.pearson, 12);
    expect(spearman(pair.x, pair.y)).toBeCloseTo(pair.spearman, 12);
  });
  it('is undefined for a constant', () => {
    expect(pearson([1, 2], [3, 3])).toBeNull();
    expect(spearman([1, 1], [2, 3])).toBeNull();
  });
});

describe('classification', () => {
  const scores = [0.1, 0.2, 0.3, 0.4];
  const positive = [false, true, false, true];
  it('counts errors; the threshold itself is negative', () => {
    expect(errorRates(scores, positive, 0.2)).toEqual({ falsePositive: 0.5, falseNegative: 0.5 });
    expect(errorRates(scores, positive, 0)).toEqual({ falsePositive: 1, falseNegative: 0 });
    expect(errorRates([1], [true], 0)).toEqual({ falsePositive: null, falseNegative: 0 });
  });
  it('chooses the threshold of least errors, the lowest of equals', () => {
    expect(youdenThreshold(scores, positive)).toBe(0.1); // 0.5 + 0, as good as 0.3 with 0 + 0.5
    expect(youdenThreshold([1, 2, 3], [false, false, true])).toBe(2);
    expect(youdenThreshold([1], [true])).toBeNull();
  });
});

describe('histogram', () => {
  it('puts every value into one bin, edges up, the last edge into the last bin', () => {
    const bins = histogram([0, 0.05, 0.1, 0.5], { low: 0, high: 0.5, bins: 5 });
    expect(bins.map(({ count }) => count)).toEqual([2, 1, 0, 0, 1]);
    expect(bins.at(-1)!.high).toBeCloseTo(0.5, 15);
  });
  it('refuses what it would have to drop', () => {
    expect(() => histogram([0.6], { low: 0, high: 0.5, bins: 5 })).toThrow('0.6 is outside 0 to 0.5');
    expect(() => histogram([Number.NaN], { low: 0, high: 1, bins: 2 })).toThrow(RangeError);
  });
});

describe('clusterBootstrap', () => {
  const mean = (values: readonly number[]) => (items: readonly number[]) => ({
    mean: items.reduce((sum, item) => sum + values[item]!, 0) / items.length,
  });
  it('takes the cluster as the unit: copies inside a cluster tell nothing new', () => {
    const values = Array.from({ length: 30 }, (_, index) => (index * 7) % 30);
    const alone = clusterBootstrap({
      clusters: values.map(String),
      statistics: mean(values),
      random: createRandom(0),
      replicates: 4000,
    }).mean;
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - 14.5) ** 2, 0) / 30 / 30);
    expect(alone.standardError! / spread).toBeCloseTo(1, 1);
    const copied = clusterBootstrap({
      clusters: values.flatMap((value) => Array(5).fill(String(value))),
      statistics: mean(values.flatMap((value) => Array(5).fill(value))),
      random: createRandom(0),
      replicates: 4000,
    }).mean;
    expect(copied.standardError).toBeCloseTo(alone.standardError!, 12);
  });
  it('gives no error where there is one cluster or the statistic is often undefined', () => {
    const one = clusterBootstrap({ clusters: ['a', 'a'], statistics: mean([1, 2]), random: createRandom(0) });
    expect(one.mean).toEqual({ value: 1.5, standardError: null });
    const rare = clusterBootstrap({
      clusters: ['a', 'b', 'c'],
      statistics: (items) => ({ first: items.includes(0) ? 1 : null }),
      random: createRandom(0),
    });
    expect(rare.first).toEqual({ value: 1, standardError: null });
  });
});
