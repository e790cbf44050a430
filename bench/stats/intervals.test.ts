import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { mean } from '../../core/statistics.ts';
import { optimalityGaps } from './anchors.ts';
import { interquartileMean } from './average.ts';
import { binomialInterval } from './binomial.ts';
import { bcaEnds, bootstrapDistribution, createResamples, jackknife, percentileEnds } from './bootstrap.ts';
import { clusteredError } from './clustered-error.ts';
import { areaUnderCurve, medianWaiting, stepsToThreshold } from './curve.ts';
import golden from './golden/intervals.json' with { type: 'json' };
import { holm } from './holm.ts';
import { improvementInterval, probabilityOfImprovement } from './improvement.ts';
import { bcaInterval, interval, tInterval, trimmedInterval } from './interval.ts';
import { pairedTestP } from './paired.ts';
import { performanceProfile } from './profile.ts';

const resamples = createResamples(createRandom(0), 1000);
const closeTo = (actual: readonly (number | null)[], expected: readonly number[], digits = 10) => {
  expect(actual).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) expect(actual[index]).toBeCloseTo(value, digits);
};

describe.each(golden.samples)('one sample, as SciPy has it: $name', (sample) => {
  const { values } = sample;
  it('mean, IQM, t intervals, paired t test', () => {
    closeTo([mean(values), interquartileMean(values)], [sample.mean, sample.iqm], 12);
    const [t, yuen] = [tInterval(values), trimmedInterval(values)];
    closeTo([t.low, t.high], sample.t);
    closeTo([yuen.low, yuen.high], sample.yuen);
    expect(pairedTestP(values.map((value) => value - 0.3))! / sample.pValue).toBeCloseTo(1, 8);
  });
  it.each(['mean', 'iqm'] as const)('percentile and BCa ends of its own draws: %s', (name) => {
    const { distribution, percentile, bca } = sample.bootstraps[name];
    const draws = Float64Array.from(distribution);
    const of = name === 'mean' ? mean : interquartileMean;
    closeTo(percentileEnds(draws), percentile);
    const leaveOneOut = jackknife({ strata: [values], statistic: ([only]) => of(only!) });
    closeTo(bcaEnds(draws, of(values), leaveOneOut)!, bca, 8);
  });
});

describe('several samples, as rliable has them', () => {
  const { x, y, taus, ...expected } = golden.tasks;
  const flat = x.flat();
  it('IQM and optimality gap over runs and tasks, profile', () => {
    expect(interquartileMean(flat)).toBeCloseTo(expected.iqm, 12);
    // rliable's gap is not divided by the anchor.
    const gaps = optimalityGaps(flat, { random: 0, oracle: 0.8 });
    expect(0.8 * mean(gaps)).toBeCloseTo(expected.optimalityGap, 12);
    closeTo(
      performanceProfile(flat, taus).map(({ value }) => value),
      expected.profile,
      12,
    );
  });
  it('probability of improvement, mean over tasks', () => {
    const tasks = [0, 1].map((task) =>
      probabilityOfImprovement(
        x.map((run) => run[task]!),
        y.map((run) => run[task]!),
      ),
    );
    expect(mean(tasks as number[])).toBeCloseTo(expected.improvement, 12);
  });
});

describe('shares, p values, errors, waiting', () => {
  it.each(golden.binomial)('Clopper and Pearson: $k of $n', ({ k, n, ends }) => {
    const { low, high } = binomialInterval(k, n);
    closeTo([low, high], ends, 9);
  });
  it("Holm's adjustment, as statsmodels has it", () => {
    closeTo(holm(golden.holm.ps), golden.holm.adjusted, 12);
    expect(holm([])).toEqual([]);
  });
  it('clustered errors, as statsmodels has them; too small where clusters are taken for questions', () => {
    const { values, clusters, error } = golden.clustered;
    expect(clusteredError(values, clusters)).toBeCloseTo(error, 12);
    const twice = [...values, ...values];
    const ids = values.map((_, index) => String(index));
    const usual = clusteredError(values, ids)!;
    expect(clusteredError(twice, [...ids, ...ids])).toBeCloseTo(usual, 12);
    expect(clusteredError(twice, [...twice.keys()].map(String))).toBeLessThan(0.75 * usual);
    expect(clusteredError([1, 2], ['a', 'a'])).toBeNull();
  });
  it("Kaplan and Meier's median, as SciPy has it; the arrived alone are too fast", () => {
    const { times, reached, median } = golden.survival;
    const waits = times.map((time, index) => ({ time, reached: reached[index]! }));
    expect(medianWaiting(waits)).toBe(median);
    expect(medianWaiting(waits.filter((wait) => wait.reached))).toBeLessThan(median);
    expect(medianWaiting(waits.map(({ time }) => ({ time, reached: false })))).toBeNull();
    expect(medianWaiting([{ time: 3, reached: true }])).toBe(3);
  });
  it('area and threshold of a curve, by hand', () => {
    const curve = [
      { x: 0, y: 0.25 },
      { x: 10, y: 0.75 },
      { x: 40, y: 0.5 },
    ];
    expect(areaUnderCurve(curve)).toBe((5 + 18.75) / 40);
    expect(areaUnderCurve(curve.slice(0, 1))).toBeNull();
    expect(stepsToThreshold(curve, 0.5)).toEqual({ time: 10, reached: true });
    expect(stepsToThreshold(curve, 0.8)).toEqual({ time: 40, reached: false });
    expect(stepsToThreshold([{ x: 0, y: Number.NaN }], 0.1)).toEqual({ time: 0, reached: false });
    expect(stepsToThreshold([], 0.1)).toBeNull();
  });
  it('anchors have an order', () => {
    expect(() => optimalityGaps([0.5], { random: 1, oracle: 1 })).toThrow('random 1 and oracle 1');
    expect(optimalityGaps([0.2, 0.6, 2, 0], { random: 0.2, oracle: 1 })).toEqual([1, 0.5, 0, 1.25]);
  });
});

describe('interval', () => {
  const ten = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3];
  it('takes t below ten values and BCa from ten on, and says so', () => {
    expect(interval(ten.slice(1), { resamples })).toEqual(tInterval(ten.slice(1)));
    expect(interval(ten.slice(1), { resamples, statistic: 'iqm' })).toEqual(trimmedInterval(ten.slice(1)));
    const { method, value, low, high, n } = interval(ten, { resamples });
    expect({ method, value, n }).toEqual({ method: 'BCa', value: 3.9, n: 10 });
    expect([low! < 3.9, high! > 3.9]).toEqual([true, true]);
    expect(interval(ten, { resamples, statistic: 'iqm' }).value).toBe(interquartileMean(ten));
  });
  it('is the same for the same seed, and another for another', () => {
    const again = createResamples(createRandom(0), 1000);
    expect(interval(ten, { resamples: again })).toEqual(interval(ten, { resamples }));
    const other = createResamples(createRandom(1), 1000);
    expect(interval(ten, { resamples: other }).low).not.toBe(interval(ten, { resamples }).low);
  });
  it('has no ends where there can be none, and hides no value that is not a number', () => {
    expect(interval([2], { resamples })).toEqual({ value: 2, low: null, high: null, method: 'none', n: 1 });
    for (const values of [
      [1, Number.NaN, 2],
      [...ten, Number.NaN],
    ]) {
      for (const statistic of ['mean', 'iqm'] as const) {
        expect(interval(values, { resamples, statistic })).toMatchObject({
          value: Number.NaN,
          low: null,
          high: null,
          method: 'none',
        });
      }
    }
    expect(
      interval(
        ten.map(() => 0.5),
        { resamples },
      ),
    ).toMatchObject({ low: 0.5, high: 0.5 });
  });
});

describe('resampling', () => {
  // Two tasks that share a seed's random numbers, and cancel it.
  const seeds = [1, 5, 2, 8, 3, 9, 4, 7].map((common) => [common, -common] as const);
  const spread = (values: Float64Array) => Math.sqrt(mean(values.map((value) => value ** 2)));
  it('keeps seeds together in one stratum, and apart in several', () => {
    const paired = bootstrapDistribution({
      strata: [seeds],
      statistic: ([units]) => mean(units!.map(([a, b]) => a + b)),
      resamples,
    });
    expect(spread(paired)).toBe(0);
    const stratified = bootstrapDistribution({
      strata: [seeds.map(([a]) => a), seeds.map(([, b]) => b)],
      statistic: ([a, b]) => mean(a!) + mean(b!),
      resamples,
    });
    // Root of the sum of both tasks' variances of the mean: 2 * 7.359 / 8.
    expect(spread(stratified)).toBeGreaterThan(1.2);
    expect(spread(stratified)).toBeLessThan(1.5);
  });
  it('leaves each unit out of its own stratum once', () => {
    const left = jackknife({ strata: [[1, 2], [10]], statistic: ([a, b]) => mean([...a!, ...b!]) });
    expect(left).toEqual([6, 5.5, 1.5]);
  });
});

describe('paired comparisons', () => {
  it('are not tested without a spread, and equal runs are equal', () => {
    expect(pairedTestP([0, 0, 0])).toBe(1);
    expect(pairedTestP([0.1, 0.1, 0.1])).toBeNull();
    // 0.3 - 0.2 and 0.2 - 0.1 differ in the last digit.
    expect(pairedTestP([0.3 - 0.2, 0.2 - 0.1])).toBeNull();
    expect(pairedTestP([1])).toBeNull();
    expect(pairedTestP([1, Number.NaN])).toBeNull();
  });
  it('have an honest interval where one side always wins', () => {
    const wins = [1, 2, 3].map((seed) => [10 + seed, seed] as const);
    const { value, low, high, method } = improvementInterval(wins, resamples);
    expect({ value, high, method }).toEqual({ value: 1, high: 1, method: 'exact binomial' });
    expect(low).toBeCloseTo(0.025 ** (1 / 3), 12);
  });
  it('count ties half; a side against itself has one half', () => {
    const same = [1, 2, 2, 4].map((score) => [score, score] as const);
    expect(improvementInterval(same, resamples)).toMatchObject({ value: 0.5, method: 'none' });
    expect(improvementInterval([[1, Number.NaN]], resamples).value).toBeNaN();
    const many = Array.from({ length: 12 }, (_, seed) => [seed % 5, (seed * 7) % 4] as const);
    const { value, method, low, high } = improvementInterval(many, resamples);
    expect(method).toBe('BCa');
    expect(low! < value && value < high!).toBe(true);
    const one = improvementInterval([...many, ...many.slice(0, 1)].slice(0, 9), resamples);
    expect(one.method).toBe('t');
  });
  it('a statistic without spread has no width', () => {
    expect(bcaInterval([1, 2, 3], () => 7, resamples)).toMatchObject({ value: 7, low: 7, high: 7 });
  });
});
