import { describe, expect, it } from 'vitest';
import { madeUpUnits } from '../../bench/profile/made-up.test-helper.ts';
import { summarize } from '../../bench/profile/summary.ts';
import { pairedPower } from '../../bench/stats/power.ts';
import { MARGIN, powerOf, verdictOf } from './verdict.ts';

const summaries = summarize(
  madeUpUnits({
    methods: {
      grpo: [0, 0],
      better: [0.2, 0.05],
      worse: [-0.2, 0.05],
      same: [0, 0.02],
      tiny: [0.005, 0],
      noisy: [0.1, 0.9],
      equal: [0, 0],
    },
    experiments: ['late'],
  }),
);
const of = (name: string) => summaries.find(({ algorithm }) => algorithm === name)!;

describe('verdictOf', () => {
  it.each([
    ['grpo', null],
    ['better', 'strong'],
    ['worse', 'weak'],
    ['same', 'indifferent'],
    ['equal', 'indifferent'],
    ['noisy', 'undecided'],
  ])('%s: %s', (name, verdict) => expect(verdictOf(of(name))).toBe(verdict));

  it('does not take an interval that reaches beyond the margin for no difference', () => {
    const same = of('same');
    const wide = { ...same, difference: { ...same.difference!, low: -MARGIN - 0.001 } };
    expect(verdictOf(wide)).toBe('undecided');
    expect(verdictOf({ ...same, difference: { ...same.difference!, low: null, high: null } })).toBe(
      'undecided',
    );
  });
});

describe('powerOf', () => {
  it('is the first number of seeds that finds the margin, at the level divided by the comparisons', () => {
    const summary = of('noisy');
    const { margin, marginAtMost, seen } = powerOf(summary, 10);
    const chance = (seeds: number) =>
      pairedPower({ difference: MARGIN, deviation: summary.deviation!, alpha: 0.005, seeds });
    expect(chance(margin!)).toBeGreaterThanOrEqual(0.8);
    expect(chance(margin! - 1)).toBeLessThan(0.8);
    expect(marginAtMost!).toBeGreaterThan(margin!);
    expect(powerOf(summary, 1).margin!).toBeLessThan(margin!);
    expect(Math.abs(summary.difference!.value)).toBeGreaterThan(MARGIN);
    expect(seen!).toBeLessThan(margin!);
  });

  it('is not defined without a difference, without spread, and for differences that are never marked', () => {
    const none = { margin: null, marginAtMost: null, seen: null };
    expect(powerOf(of('grpo'), 10)).toEqual(none);
    expect(powerOf(of('equal'), 10)).toEqual(none);
    const small = { ...of('noisy'), difference: { ...of('noisy').difference!, value: 0.009 } };
    expect(powerOf(small, 10).seen).toBeNull();
  });
});
