import { expect, it } from 'vitest';
import type { CreditedChoice, GrownQuestion } from './grow.ts';
import { measures } from './measures.ts';
import { sumsOf } from './sums.ts';
import type { TrueAdvantage } from './truth.ts';

const choice = (credit: number, change: Partial<CreditedChoice> = {}): CreditedChoice => ({
  ...{ state: 's', prompt: { text: 's' }, action: 'a', tokens: [0], before: 0 },
  ...{ position: 'first', trained: true, weight: 1, credit },
  ...change,
});
const advantage = (value: number, change: Partial<TrueAdvantage> = {}): TrueAdvantage => ({
  ...{ value, low: value - 0.2, high: value + 0.2, choice: 'a', state: 's', choiceNoise: 0, stateNoise: 0 },
  ...change,
});
const question = (choices: readonly CreditedChoice[]): GrownQuestion => ({
  ...{ task: { id: 'q', question: 'q', answers: [], kind: 'k', hops: 0 }, choices },
  ...{ trees: 1, sampledTokens: 100, prefillTokens: 0, measuredTokens: 0 },
});

it('sums what the measures are made of, with weights', () => {
  const choices = [
    choice(1, { weight: 2 }),
    choice(-1, { position: 'middle' }),
    choice(0, { position: 'last' }),
    choice(0, { trained: false, weight: 3, position: 'last' }),
  ];
  // The third is not surely other than 0; the second has the wrong sign.
  const [sums] = sumsOf([question(choices)], [[0.5, 0.25, 0.1, -1].map((value) => advantage(value))]);
  expect(sums).toMatchObject({
    ...{ actions: 7, trained: 4, c: 1, cc: 3, a: 1.35, ca: 0.75, clear: 3, wrong: 1 },
    ...{
      first: 2,
      firstC: 2,
      firstA: 1,
      middle: 1,
      middleC: -1,
      middleA: 0.25,
      last: 1,
      lastC: 0,
      lastA: 0.1,
    },
  });
  expect(sums!.squares).toBeCloseTo(0.5 + 0.0625 + 0.01 + 3, 12);
  expect(sums!.creditedSquares).toBeCloseTo(0.5 + 0.0625, 12);
  const found = measures([sums!]);
  expect(found.scale).toBeCloseTo(0.25, 12);
  // 0.75² / 3 of all squares.
  expect(found.explained).toBeCloseTo(0.1875 / 3.5725, 12);
  expect(found.explained_per_1000).toBeCloseTo(1.875, 12);
  expect(found.mse).toBeCloseTo((3.5725 - 0.1875) / 7, 12);
  expect(found.bias_middle).toBeCloseTo(-0.5, 12);
});

it('takes off the noise of the truth once for all actions that share its rollouts', () => {
  const noisy = (value: number, name: string): TrueAdvantage =>
    advantage(value, { choice: name, choiceNoise: 0.03, stateNoise: 0.05 });
  // Twice the same action of one state, and another one of it.
  const choices = [choice(1), choice(2), choice(-1, { weight: 2 })];
  const truth = [noisy(0.5, 'a'), noisy(0.5, 'a'), noisy(-0.5, 'b')];
  const [sums] = sumsOf([question(choices)], [truth]);
  expect(sums!.squares).toBeCloseTo(4 * (0.25 - 0.08), 12);
  expect(sums!.noise).toBeCloseTo(4 * 0.08, 12);
  // a: (1 + 1)² and 2² times the actions' noise, 4² times the state's.
  expect(sums!.aNoise).toBeCloseTo(8 * 0.03 + 16 * 0.05, 12);
  // ca: (1 + 2)² and (2 * -1)², and (1 + 2 - 2)².
  expect(sums!.caNoise).toBeCloseTo(13 * 0.03 + 1 * 0.05, 12);
  const ca = 0.5 + 1 + 1;
  expect(measures([sums!]).explained).toBeCloseTo((ca ** 2 - 0.44) / (1 + 4 + 2) / (4 * 0.17), 12);
});
