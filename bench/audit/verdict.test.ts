import { describe, expect, it } from 'vitest';
import { type Component, judge } from './verdict.ts';

const component = (name: string, exact: number, expected: number, group = 's'): Component => ({
  name,
  group,
  exact,
  expected,
  standardError: 0,
});

describe('judge', () => {
  it('takes rounding around a truth of 0 for rounding, where it knows the size of returns', () => {
    const rounded = [component('a', 0, 3e-17), component('b', 1e-33, -2e-17)];
    expect(judge(rounded, { unit: 1 }).kind).toBe('unbiased');
    expect(judge(rounded).kind).toBe('biased');
    expect(judge([component('a', 0, 1e-9), component('b', 0, -1e-9)], { unit: 1 }).kind).toBe('biased');
  });

  it('calls an estimate that is 0 up to rounding zero, whatever rounding makes of its sign', () => {
    for (const residue of [0, 3e-17, -3e-17]) {
      const rounded = [component('a', 0.2, residue), component('b', -0.2, -residue)];
      expect(judge(rounded, { unit: 1 }).kind).toBe('zero');
      expect(judge(rounded, { unit: 1, shifts: true }).kind).toBe('zero');
      expect(judge(rounded, { unit: 1 }).flipped).toEqual([]);
    }
    expect(judge([component('a', 0.2, 1e-6), component('b', -0.2, -1e-6)], { unit: 1 }).kind).toBe('scaled');
    expect(judge([component('a', 0.2, 1e-6), component('b', -0.2, 0)], { unit: 1 }).kind).toBe('biased');
    // Nothing was expected of it.
    expect(judge([component('a', 0, 0), component('b', 0, 0)], { unit: 1 }).kind).toBe('unbiased');
    // Of the actions that were trained.
    const half = [component('a', 0.2, 1e-17), component('b', -0.2, Number.NaN)];
    expect(judge(half, { unit: 1, shifts: true }).kind).toBe('zero');
  });

  it('sampled, calls it zero unless its components together point along the truth', () => {
    const sampled = (sizes: readonly number[]) =>
      judge(
        sizes.map((size, index) => ({
          ...component(`${index}`, index % 2 === 0 ? 1 : -1, index % 2 === 0 ? size : -size),
          standardError: 0.1,
        })),
      ).kind;
    expect(sampled([0.3, -0.2, 0.1, -0.3])).toBe('zero');
    // Each at 3 standard errors of 0, all of them together at 6.
    expect(sampled([0.3, 0.3, 0.3, 0.3])).toBe('scaled');
  });

  it('tells a factor and an offset per state from a bias', () => {
    const kind = (values: readonly number[], shifts = true) =>
      judge(
        [1, -1, 2, -3].map((exact, index) =>
          component(`${index}`, exact, values[index]!, index < 2 ? 's' : 't'),
        ),
        { shifts },
      ).kind;
    expect(kind([1, -1, 2, -3])).toBe('unbiased');
    expect(kind([2, -2, 4, -6])).toBe('scaled');
    expect(kind([-2, 2, -4, 6])).toBe('biased'); // a negative factor is none
    expect(kind([1.5, -0.5, 1, -4])).toBe('shifted');
    expect(kind([1.5, -0.5, 1, -4], false)).toBe('biased');
    expect(kind([1.5, -0.5, 1, -3])).toBe('biased');
    expect(kind([Number.NaN, Number.NaN, Number.NaN, Number.NaN])).toBe('none');
  });
});
