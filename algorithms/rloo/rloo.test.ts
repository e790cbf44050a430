import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rlooAdvantages } from './index.ts';

describe('RLOO advantages', () => {
  // equation (rloo): A_i
  it('of reference 1.3', () => {
    expect(rlooAdvantages([1, 0, 0, 0, 0])).toEqual([1, -0.25, -0.25, -0.25, -0.25]);
  });

  // equation (rloo): A_i
  it('leave their own return out: n / (n - 1) times the distance from the mean', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 12 }),
        (returns) => {
          const n = returns.length;
          const mean = returns.reduce((a, b) => a + b, 0) / n;
          for (const [i, value] of rlooAdvantages(returns).entries()) {
            expect(value).toBeCloseTo((n / (n - 1)) * (returns[i]! - mean), 9);
            // A mean that includes the sample itself would fail here.
            const raised = returns.map((other, j) => (j === i ? other + 1 : other));
            expect(rlooAdvantages(raised)[i]! - value).toBeCloseTo(1, 9);
          }
        },
      ),
    );
  });

  it('of a group of one is its return', () => {
    expect(rlooAdvantages([0.4])).toEqual([0.4]);
  });
});
