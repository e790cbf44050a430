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
