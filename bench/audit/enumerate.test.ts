import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enumerate, TooManyOutcomes } from './enumerate.ts';

describe('enumerate', () => {
  it('visits every outcome of dependent choices with its probability', async () => {
    const seen = new Map<string, number>();
    const count = await enumerate(
      async (random) => {
        const first = random.categorical([0.25, 0, 0.75]);
        // Adaptive: what is drawn next, and how often, depends on what was drawn.
        return first === 0 ? `${first}${random.split('x').integer(2)}` : `${first}`;
      },
      (result, probability) => void seen.set(result, (seen.get(result) ?? 0) + probability),
    );
    expect(count).toBe(3);
    expect([...seen]).toEqual([
      ['00', 0.125],
      ['01', 0.125],
      ['2', 0.75],
    ]);
  });

  it('gives probabilities that sum to 1 for any shape of choices', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 }), async (bounds) => {
        let total = 0;
        const count = await enumerate(
          async (random) => bounds.map((bound) => random.integer(bound)),
          (_, probability) => (total += probability),
        );
        expect(count).toBe(bounds.reduce((product, bound) => product * bound, 1));
        expect(total).toBeCloseTo(1, 12);
      }),
    );
  });

  it('refuses what is too large, with an estimate of how large', async () => {
    const flips = async (random: { integer(bound: number): number }) =>
      Array.from({ length: 20 }, () => random.integer(2));
    const refusal = enumerate(flips, () => {}, { limit: 5000 });
    await expect(refusal).rejects.toThrow(TooManyOutcomes);
    await expect(refusal).rejects.toThrow('about 1.05e+6 outcomes');
  });

  it('refuses continuous draws', async () => {
    await expect(
      enumerate(
        async (random) => random.uniform(),
        () => {},
      ),
    ).rejects.toThrow('cannot be enumerated');
  });
});
