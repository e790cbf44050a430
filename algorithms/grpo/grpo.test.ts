import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { chains } from '../sketch.test-helper.ts';
import { grpo, grpoAdvantages } from './index.ts';

const defaults = grpo.schema.parse({});

describe('GRPO advantages', () => {
  // Reference 1.1.
  // equation (grpo): A_i
  it.each([
    [[1, 0, 0, 1], 'sample', [0.866, -0.866, -0.866, 0.866]],
    [[1, 0, 0, 1], 'population', [1, -1, -1, 1]],
    [[1, 0, 0, 0, 0], 'sample', [1.7889, -0.4472, -0.4472, -0.4472, -0.4472]],
    [[0.5, 0, 0.8, 1], 'sample', [-0.1724, -1.322, 0.5173, 0.9772]],
  ] as const)('of %j with the %s std', (returns, std, expected) => {
    const actual = grpoAdvantages(returns, { ...defaults, std });
    for (const [index, value] of actual.entries()) expect(value).toBeCloseTo(expected[index]!, 4);
  });

  it('of a group of one is its return, or 0 on request', () => {
    expect(grpoAdvantages([0.7], defaults)).toEqual([0.7]);
    expect(grpoAdvantages([0.7], { ...defaults, singleton: 'zero' })).toEqual([0]);
  });

  it('are finite, bounded by (n - 1) / sqrt(n) and 0 for equal returns', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 16 }),
        (returns) => {
          const bound = (returns.length - 1) / Math.sqrt(returns.length) + 1e-9;
          for (const value of grpoAdvantages(returns, defaults))
            expect(Math.abs(value)).toBeLessThanOrEqual(bound);
          expect(
            grpoAdvantages(
              returns.map(() => returns[0]!),
              defaults,
            ).every((value) => value === 0),
          ).toBe(true);
        },
      ),
    );
  });
});

describe('GRPO', () => {
  // equation (grpo): A_i
  it('gives every action of a trajectory its advantage, one sequence per trajectory', () => {
    const { actions } = grpo.credit([chains([1, 0, 0, 1], 3)], defaults, createRandom(0));
    expect(actions).toHaveLength(12);
    expect(new Set(actions.map((action) => action.sequence)).size).toBe(4);
    expect(actions.filter((action) => Number(action.advantage) > 0.86)).toHaveLength(6);
  });

  it('plans G rollouts from the root, once', () => {
    expect(grpo.next(chains([]), { ...defaults, groupSize: 5 }, createRandom(0))).toEqual(
      Array.from({ length: 5 }, () => ({ node: 0 })),
    );
    expect(grpo.next(chains([1]), defaults, createRandom(0))).toEqual([]);
  });
});
