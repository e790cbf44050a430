import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areEqual, mean, standardDeviation, variance } from './statistics.ts';

describe('statistics', () => {
  it('divide by n - 1 or by n', () => {
    const values = [2, 4, 4, 4, 5, 5, 7, 9];
    expect(mean(values)).toBe(5);
    expect(variance(values)).toBe(32 / 7);
    expect(variance(Float64Array.from(values), 'population')).toBe(4);
    expect(standardDeviation(values, 'sample')).toBe(Math.sqrt(32 / 7));
    expect(standardDeviation(values, 'population')).toBe(2);
  });
});

describe('areEqual', () => {
  it('takes sums that differ by their order for equal, whatever their size', () => {
    expect(0.1 + 0.2).not.toBe(0.3);
    for (const size of [1e-9, 1, -1, 1e9]) expect(areEqual([size * (0.1 + 0.2), size * 0.3])).toBe(true);
    expect(areEqual([])).toBe(true);
    expect(areEqual([0.7])).toBe(true);
  });

  it('tells values apart that differ by more than rounding, however small they are', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (value) => {
        fc.pre(Math.abs(value) > 1e-300);
        expect(areEqual([value, value, value * (1 + 1e-9)])).toBe(false);
      }),
    );
    expect(areEqual([0, 1e-30])).toBe(false);
    expect(areEqual([Number.NaN, 1])).toBe(false);
  });

  it('knows rounding of larger values in what is left of them', () => {
    expect(areEqual([0, 1e-17], 0.4)).toBe(true);
    expect(areEqual([0, 1e-3], 0.4)).toBe(false);
  });
});
