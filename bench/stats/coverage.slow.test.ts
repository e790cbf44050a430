import normalCdf from '@stdlib/stats-base-dists-normal-cdf';
import normalQuantile from '@stdlib/stats-base-dists-normal-quantile';
import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../core/random.ts';
import { mean } from '../../core/statistics.ts';
import { bcaEnds, bootstrapDistribution, createResamples, jackknife, percentileEnds } from './bootstrap.ts';
import { improvementInterval } from './improvement.ts';
import { interval, tInterval, trimmedInterval } from './interval.ts';

const resamples = createResamples(createRandom(1), 1000);
const normal = (random: Random) => normalQuantile(1e-15 + random.uniform(), 0, 1);
type Ends = { readonly low: number | null; readonly high: number | null };

/** Share of made-up suites whose interval holds the truth. */
function coverage<Data>(
  suites: number,
  draw: (random: Random) => Data,
  interval: (data: Data) => Ends,
  truth: number,
): number {
  let covered = 0;
  for (let suite = 0; suite < suites; suite++) {
    const { low, high } = interval(draw(createRandom(suite)));
    if (low! <= truth && truth <= high!) covered++;
  }
  return covered / suites;
}
const sample = (n: number) => (random: Random) => Array.from({ length: n }, () => normal(random));
const percentile = (values: readonly number[]): Ends => {
  const request = {
    strata: [values],
    statistic: ([only]: readonly (readonly number[])[]) => mean(only!),
    resamples,
  };
  const [low, high] = percentileEnds(bootstrapDistribution(request));
  return { low, high };
};

// Three standard errors of a share of 0.95: 0.0146 for 2000 suites, 0.021 for 1000.
describe('nominal 95 % intervals of normal seeds', () => {
  it.each([3, 5])('t covers at %i seeds', (n) => {
    const share = coverage(2000, sample(n), tInterval, 0);
    expect(Math.abs(share - 0.95)).toBeLessThan(0.0146);
  });
  it.each([5, 9])("Yuen's covers a little less at %i seeds", (n) => {
    const share = coverage(2000, sample(n), trimmedInterval, 0);
    expect(share).toBeGreaterThan(0.92);
    expect(share).toBeLessThan(0.965);
  });
  it.each([10, 20])('BCa covers at %i seeds', (n) => {
    const share = coverage(1000, sample(n), (values) => interval(values, { resamples }), 0);
    expect(share).toBeGreaterThan(0.95 - 0.03);
    expect(share).toBeLessThan(0.95 + 0.021);
  });
  it('the percentile bootstrap must cover too little at three seeds', () => {
    expect(coverage(1000, sample(3), percentile, 0)).toBeLessThan(0.8);
  });
  it('BCa without the expansion must cover too little at ten seeds', () => {
    const plain = (values: readonly number[]): Ends => {
      const request = {
        strata: [values],
        statistic: ([only]: readonly (readonly number[])[]) => mean(only!),
        resamples,
      };
      const [low, high] = bcaEnds(bootstrapDistribution(request), mean(values), jackknife(request))!;
      return { low, high };
    };
    expect(coverage(1000, sample(10), plain, 0)).toBeLessThan(0.925);
  });
  it('episodes taken for seeds must cover far too little', () => {
    // Three seeds of 50 episodes, half of the variance between seeds.
    const episodes = (random: Random) =>
      Array.from({ length: 3 }, () => {
        const seed = normal(random);
        return Array.from({ length: 50 }, () => seed + normal(random));
      }).flat();
    expect(coverage(500, episodes, tInterval, 0)).toBeLessThan(0.4);
  });
});

describe('probability of improvement of paired seeds', () => {
  // Half of the variance is common; independent runs of either side differ by `shift` with variance 2.
  const pairs = (n: number, shift: number) => (random: Random) =>
    Array.from({ length: n }, () => {
      const common = normal(random);
      const [x, y] = [normal(random), normal(random)].map((own) => Math.SQRT1_2 * (common + own));
      return [x! + shift, y!] as const;
    });
  it.each([
    [3, 0],
    [5, 1],
    [10, 0.5],
  ])('covers at %i seeds, shift %f', (n, shift) => {
    const truth = normalCdf(shift / Math.SQRT2, 0, 1);
    const share = coverage(500, pairs(n, shift), (data) => improvementInterval(data, resamples), truth);
    expect(share).toBeGreaterThan(0.92);
  });
});
