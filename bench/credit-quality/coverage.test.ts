import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { keyDoor } from '../../envs/diagnostic/key-door.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { alike, named } from './made-up.test-helper.ts';
import { creditQuality } from './quality.ts';
import { sampledAdvantage, type TrueAdvantage } from './truth.ts';

/** Means of returns that are 0 or 1, with these probabilities after the action and from the state. */
function drawn(rollouts: number, after: number, from: number): readonly TrueAdvantage[] {
  const random = createRandom(0).split(rollouts, after, from);
  const returns = (probability: number, ...labels: readonly (string | number)[]): number[] => {
    const stream = random.split(...labels);
    return Array.from({ length: rollouts }, () => stream.categorical([1 - probability, probability]));
  };
  return Array.from({ length: 2000 }, (_, index) =>
    sampledAdvantage(
      { name: 'a', returns: returns(after, 'after', index) },
      { name: 's', returns: returns(from, 'from', index) },
      [0, 1],
    ),
  );
}

const covered = (
  all: readonly TrueAdvantage[],
  advantage: number,
  { width = 1, shift = 0 }: { readonly width?: number; readonly shift?: number } = {},
): number => {
  const holds = ({ low, high }: TrueAdvantage): boolean => {
    const [middle, half] = [(low + high) / 2 + shift, (width * (high - low)) / 2];
    return Math.abs(middle - advantage) <= half;
  };
  return all.filter(holds).length / all.length;
};

describe('the interval of a sampled advantage', () => {
  it.each([
    [16, 0.5, 0.5],
    [16, 0.8, 0.4],
    [16, 0.1, 0.3],
    [32, 0.9, 0.6],
    [32, 0.05, 0.1],
    [64, 0.5, 0.2],
  ])('of %i rollouts, probabilities %d and %d, covers what it should', (rollouts, after, from) => {
    const all = drawn(rollouts, after, from);
    expect(covered(all, after - from)).toBeGreaterThan(0.94);
    // What is too narrow or beside it does not.
    expect(covered(all, after - from, { width: 0.7 })).toBeLessThan(0.93);
    expect(covered(all, after - from, { shift: 0.3 })).toBeLessThan(0.9);
  });

  it('is not far too wide in the middle', () => {
    expect(covered(drawn(32, 0.5, 0.4), 0.1)).toBeLessThan(0.965);
  });

  it('holds exact advantages of an environment, at the stated rate or above', async () => {
    const initial = (_: unknown, action: number): number => [0.5, 0][action]!;
    const { agreements } = await creditQuality({
      loaded: alike(keyDoor({ length: 1, distractor: 0.5 }), 200),
      policy: createTabularPolicy({ initial }),
      methods: named('grpo'),
      questions: 200,
      budget: 20,
      rollouts: 8,
      truths: ['exact', 24],
    });
    const { covered: share, coveredError } = agreements[0]!;
    expect(share).toBeGreaterThan(0.95 - 3 * coveredError!);
    expect(coveredError).toBeLessThan(0.01);
  });
});
