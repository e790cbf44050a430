import normalQuantile from '@stdlib/stats-base-dists-normal-quantile';
import { describe, expect, it } from 'vitest';
import { pairedPower } from '../bench/stats/power.ts';
import { createRandom, type Random } from '../core/random.ts';
import { analyze } from './analysis.ts';
import type { PairAnalysis } from './analyzed.ts';
import { madeCells } from './cells.test-helper.ts';

const SUITES = 200;
const normal = (random: Random) => normalQuantile(1e-15 + random.uniform(), 0, 1);
/** Standard deviation of a run's own luck; as much again is shared by all algorithms of a seed. */
const OWN = 0.02;
/** Of a difference of two algorithms over seeds. */
const DEVIATION = OWN * Math.SQRT2;

/** The comparisons of a made-up suite: algorithms that differ from the first by what is planted. */
function suite(index: number, seeds: number, planted: readonly number[]): readonly PairAnalysis[] {
  const random = createRandom(index);
  const common = Array.from({ length: seeds }, () => 0.4 + OWN * normal(random));
  const cells = [0, ...planted].flatMap((difference, algorithm) =>
    madeCells(
      `algorithm ${algorithm}`,
      common.map((luck) => luck + difference + OWN * normal(random)),
    ),
  );
  return analyze(cells, { replicates: 400 }).pairs;
}

const suites = (seeds: number, planted: readonly number[]) =>
  Array.from({ length: SUITES }, (_, index) => suite(index, seeds, planted));
type Suites = ReturnType<typeof suites>;
const share = (of: Suites, holds: (pair: PairAnalysis) => boolean) =>
  of.filter((pairs) => pairs.some(holds)).length / SUITES;
const isDifferent = ({ adjustedP }: PairAnalysis) => adjustedP! < 0.05;
const standardError = (rate: number) => Math.sqrt((rate * (1 - rate)) / SUITES);
const leavesOut = (interval: PairAnalysis['difference'], truth: number) =>
  interval!.low! > truth || interval!.high! < truth;

describe('an algorithm against itself under another name', () => {
  it.each([3, 5, 10])('is called different at about the nominal rate: %i seeds', (seeds) => {
    const same = suites(seeds, [0]);
    expect(Math.abs(share(same, isDifferent) - 0.05)).toBeLessThan(3 * standardError(0.05));
    // The bootstrap's intervals, too.
    expect(share(same, ({ difference }) => leavesOut(difference, 0))).toBeLessThan(0.1);
    expect(share(same, ({ improvement }) => leavesOut(improvement, 0.5))).toBeLessThan(0.1);
  });

  it('four times over: Holm keeps the rate, and without it the rate must be too high', () => {
    const same = suites(5, [0, 0, 0, 0]);
    expect(share(same, isDifferent)).toBeLessThan(0.05 + 3 * standardError(0.05));
    expect(share(same, ({ p }) => p! < 0.05)).toBeGreaterThan(0.05 + 3 * standardError(0.05));
  });
});

describe('a planted difference', () => {
  it.each([
    [3, 0.1],
    [5, 0.04],
    [12, 0.025],
  ])('is found at about the power that is predicted: %i seeds, %f', (seeds, difference) => {
    const power = pairedPower({ seeds, difference, deviation: DEVIATION });
    expect(power).toBeGreaterThan(0.5);
    expect(power).toBeLessThan(0.95);
    const found = share(suites(seeds, [difference]), isDifferent);
    expect(Math.abs(found - power)).toBeLessThan(3 * standardError(power));
    // Planning with the spread of scores instead of the spread of paired differences must not fit.
    const half = pairedPower({ seeds, difference, deviation: DEVIATION * 2 });
    expect(Math.abs(found - half)).toBeGreaterThan(3 * standardError(power));
  });
});
