import normalCdf from '@stdlib/stats-base-dists-normal-cdf';
import normalQuantile from '@stdlib/stats-base-dists-normal-quantile';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import golden from './golden/intervals.json' with { type: 'json' };
import { pairedTestP } from './paired.ts';
import { detectableDifference, deviationAtMost, pairedPower, seedsNeeded } from './power.ts';

describe('power', () => {
  it.each(golden.power)('as SciPy has it: $seeds seeds, $difference at $deviation', (request) => {
    expect(pairedPower(request)).toBeCloseTo(request.power, 8);
    expect(pairedPower({ ...request, difference: -request.difference })).toBeCloseTo(request.power, 8);
  });
  it.each([
    [3, 0.06],
    [10, 0.02],
  ])('is how often the test finds the difference: %i seeds, %f', (seeds, difference) => {
    const suites = 2000;
    let found = 0;
    for (let suite = 0; suite < suites; suite++) {
      const random = createRandom(suite);
      const differences = Array.from(
        { length: seeds },
        () => difference + 0.02 * normalQuantile(1e-15 + random.uniform(), 0, 1),
      );
      if (pairedTestP(differences)! < 0.05) found++;
    }
    const power = pairedPower({ seeds, difference, deviation: 0.02 });
    expect(power).toBeGreaterThan(0.5);
    // Three standard errors.
    expect(Math.abs(found / suites - power)).toBeLessThan(3 * Math.sqrt((power * (1 - power)) / suites));
    // The normal approximation must promise too much.
    const normal = normalCdf((difference * Math.sqrt(seeds)) / 0.02 - 1.96, 0, 1);
    expect(normal - found / suites).toBeGreaterThan(0.05);
  });
});

describe('seedsNeeded', () => {
  it('is the first number of seeds with that power', () => {
    for (const difference of [0.2, 0.02, 0.01, 0.001]) {
      const request = { difference, deviation: 0.02 };
      const seeds = seedsNeeded(request);
      expect(pairedPower({ ...request, seeds })).toBeGreaterThanOrEqual(0.8);
      if (seeds > 2) expect(pairedPower({ ...request, seeds: seeds - 1 })).toBeLessThan(0.8);
    }
    // G*Power, dz = 0.5: 34.
    expect(seedsNeeded({ difference: 0.5, deviation: 1 })).toBe(34);
    expect(seedsNeeded({ difference: 0.5, deviation: 1, alpha: 0.05 / 3 })).toBeGreaterThan(34);
  });
  it('goes up to a million', () => {
    const request = { difference: 0.0005, deviation: 0.1, alpha: 0.05 / 13 };
    const seeds = seedsNeeded(request);
    expect(seeds).toBeGreaterThan(2 ** 19);
    expect(pairedPower({ ...request, seeds })).toBeGreaterThanOrEqual(0.8);
    expect(pairedPower({ ...request, seeds: seeds - 1 })).toBeLessThan(0.8);
  });
  it('says when there is no such number', () => {
    expect(() => seedsNeeded({ difference: 0, deviation: 1 })).toThrow('difference: 0 is too small');
    expect(() => seedsNeeded({ difference: 1e-4, deviation: 1 })).toThrow(
      'too small to be found with 1000000',
    );
  });
  it.each([2, 3, 10, 100])('the least difference of %i seeds has just that power', (seeds) => {
    const difference = detectableDifference({ deviation: 0.02, seeds });
    expect(pairedPower({ difference, deviation: 0.02, seeds })).toBeCloseTo(0.8, 6);
  });
  it.each(golden.deviation)('a pilot of $n leaves room', ({ n, factor }) => {
    expect(deviationAtMost(2, n)).toBeCloseTo(2 * factor, 8);
  });
});
