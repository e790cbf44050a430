import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gae, type ValuedAction } from './gae.ts';

const close = (values: readonly number[], expected: readonly number[], digits = 12) => {
  expect(values).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(values[i]).toBeCloseTo(value, digits);
};

/**
 * The masked form of the same: one row of tokens, observations among them at mask 0, over which the running value and
 * advantage are carried. `carry: false` is the mistake of taking observations for states.
 */
function masked(
  rewards: readonly number[],
  values: readonly number[],
  mask: readonly number[],
  { gamma, lambda, carry = true }: { gamma: number; lambda: number; carry?: boolean },
): number[] {
  let nextValue = 0;
  let next = 0;
  const result: number[] = [];
  for (let t = rewards.length - 1; t >= 0; t--) {
    const m = carry ? mask[t]! : 1;
    const advantage = rewards[t]! + gamma * nextValue - values[t]! + gamma * lambda * next;
    nextValue = m * values[t]! + (1 - m) * nextValue;
    next = m * advantage + (1 - m) * next;
    result[t] = next;
  }
  return result.filter((_, t) => mask[t] === 1);
}

describe('GAE', () => {
  // Reference 1.5: r = [0,0,0,0,1], V = [.5,.6,9,9,.7], m = [1,1,0,0,1], gamma 1.
  const actions = [
    { values: [0.5, 0.6], reward: 0 },
    { values: [0.7], reward: 1 },
  ];
  const row = [
    [0, 0, 0, 0, 1],
    [0.5, 0.6, 9, 9, 0.7],
    [1, 1, 0, 0, 1],
  ] as const;

  // equation (*): gae
  it.each([
    [1, [0.5, 0.4, 0.3]],
    [0.95, [0.46575, 0.385, 0.3]],
  ])('of reference 1.5 with lambda %d', (lambda, expected) => {
    const { advantages, returns } = gae(actions, { gamma: 1, lambda });
    close(advantages.flat(), expected);
    close(
      returns.flat(),
      expected.map((advantage, i) => advantage + [0.5, 0.6, 0.7][i]!),
    );
    close(masked(...row, { gamma: 1, lambda }), expected);
  });

  it('is not what comes out when observations are taken for states', () => {
    const wrong = masked(...row, { gamma: 1, lambda: 0.95, carry: false });
    expect(Math.abs(wrong[1]! - 0.385)).toBeGreaterThan(0.5);
    // Lambda 1 telescopes over any states, so the values in between do not show; a discount does.
    const discounted = { gamma: 0.9, lambda: 1 };
    close(gae(actions, discounted).advantages.flat(), masked(...row, discounted));
    expect(Math.abs(masked(...row, { ...discounted, carry: false })[1]! - 0.3)).toBeGreaterThan(0.1);
  });

  const value = fc.double({ min: -2, max: 2, noNaN: true });
  const trajectory = fc.array(
    fc.record({ values: fc.array(value, { minLength: 1, maxLength: 4 }), reward: value }),
    { minLength: 1, maxLength: 5 },
  );
  const discounts = fc.record({
    gamma: fc.double({ min: 0, max: 1, noNaN: true }),
    lambda: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  // equation (*): A_t = d_t + gamma lambda A_{t+1}
  it('is the masked recursion, whatever is observed between actions and however long it is', () => {
    const observed = fc.array(fc.array(value, { maxLength: 3 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(trajectory, discounts, observed, (steps, options, between) => {
        const rewards: number[] = [];
        const values: number[] = [];
        const mask: number[] = [];
        for (const [i, step] of steps.entries()) {
          for (const [t, v] of step.values.entries()) {
            rewards.push(t === step.values.length - 1 ? step.reward : 0);
            values.push(v);
            mask.push(1);
          }
          for (const v of between[i]!) {
            rewards.push(0);
            values.push(v);
            mask.push(0);
          }
        }
        close(gae(steps, options).advantages.flat(), masked(rewards, values, mask, options), 9);
      }),
    );
  });

  it('with lambda 0 is the one-step error, with lambda 1 the discounted return less the value', () => {
    fc.assert(
      fc.property(trajectory, fc.double({ min: 0, max: 1, noNaN: true }), (steps, gamma) => {
        const values = steps.flatMap((step) => step.values);
        const paid = steps.flatMap(({ values: own, reward }) =>
          own.map((_, t) => (t === own.length - 1 ? reward : 0)),
        );
        const errors = values.map((v, t) => paid[t]! + gamma * (values[t + 1] ?? 0) - v);
        close(gae(steps, { gamma, lambda: 0 }).advantages.flat(), errors, 9);
        const toGo = [...paid];
        for (let t = toGo.length - 2; t >= 0; t--) toGo[t]! += gamma * toGo[t + 1]!;
        close(gae(steps, { gamma, lambda: 1 }).returns.flat(), toGo, 9);
      }),
    );
  });

  it('of a constant value is its closed form', () => {
    // V = c, reward R at the last of n tokens: errors are (gamma - 1) c, but R - c at the end.
    const [c, R, gamma, lambda, n] = [0.4, 1, 0.9, 0.8, 6];
    const steps: ValuedAction[] = [
      { values: [c, c], reward: 0 },
      { values: [c, c, c], reward: 0 },
      { values: [c], reward: R },
    ];
    const { advantages } = gae(steps, { gamma, lambda });
    const decay = gamma * lambda;
    close(
      advantages.flat(),
      Array.from({ length: n }, (_, t) => {
        const left = n - 1 - t;
        return ((gamma - 1) * c * (1 - decay ** left)) / (1 - decay) + decay ** left * (R - c);
      }),
    );
  });

  it('pays an action at its last token, not at its first and not at the one before', () => {
    const steps = [
      { values: [0, 0, 0], reward: 1 },
      { values: [0, 0], reward: 0 },
    ];
    const { advantages } = gae(steps, { gamma: 0.5, lambda: 1 });
    expect(advantages).toEqual([
      [0.25, 0.5, 1],
      [0, 0],
    ]);
  });

  it('of nothing is nothing', () => {
    expect(gae([], { gamma: 1, lambda: 1 })).toEqual({ advantages: [], returns: [] });
  });
});
