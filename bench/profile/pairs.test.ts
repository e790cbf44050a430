import { expect, it } from 'vitest';
import { madeUpUnits } from './made-up.test-helper.ts';
import { compareAllPairs, discrimination, isToldApart, pairRow } from './pairs.ts';

const units = madeUpUnits({
  methods: { grpo: [0, 0.05], same: [0, 0.05], better: [0.2, 0.05], control: [-0.6, 0.05] },
  experiments: ['one', 'two'],
  seeds: 10,
});

it('compares all pairs in all experiments, controls left out, and adjusts over all of them', () => {
  const pairs = compareAllPairs(units, ['control']);
  expect(pairs.map(({ first, second, experiment }) => `${first} ${second} ${experiment}`)).toEqual([
    'grpo same one',
    'grpo better one',
    'same better one',
    'grpo same two',
    'grpo better two',
    'same better two',
  ]);
  expect(pairs.map(isToldApart)).toEqual([false, true, true, false, true, true]);
  expect(pairs[1]!.difference.value).toBeCloseTo(-0.2, 1);
  const smallest = Math.min(...pairs.map(({ p }) => p!));
  expect(Math.min(...pairs.map(({ adjustedP }) => adjustedP!))).toBeCloseTo(6 * smallest, 12);
  expect(pairRow(pairs[0]!)).toMatchObject({ first: 'grpo', second: 'same', experiment: 'one' });
});

it('counts pairs that any experiment tells apart, and those that one alone does', () => {
  const mixed = [
    ...units.filter(({ experiment }) => experiment === 'one'),
    ...madeUpUnits({
      methods: { grpo: [0, 0.05], same: [-0.3, 0.05], better: [0, 0.05], control: [0, 0.05] },
      experiments: ['two'],
      seeds: 10,
    }),
  ];
  // The order of the units does not matter, nor that it differs between experiments.
  const turned = [...mixed.slice(0, 4), ...mixed.slice(4).toReversed()];
  expect(discrimination(compareAllPairs(turned, ['control']))).toMatchObject({ pairs: 3, apart: 3 });
  expect(discrimination(compareAllPairs(mixed, ['control']))).toEqual({
    pairs: 3,
    apart: 3,
    experiments: [
      // Better against the others; in two, same against the others.
      { experiment: 'one', apart: 2, alone: 1 },
      { experiment: 'two', apart: 2, alone: 1 },
    ],
  });
});

it('does not call a difference told apart that is below 0.01, however sure', () => {
  const close = madeUpUnits({
    methods: { grpo: [0, 0], near: [0.005, 0.0001] },
    experiments: ['one'],
    seeds: 10,
  });
  const [pair] = compareAllPairs(close);
  expect(pair!.adjustedP).toBeLessThan(1e-6);
  expect(isToldApart(pair!)).toBe(false);
});
