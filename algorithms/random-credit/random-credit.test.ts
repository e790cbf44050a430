import { describe, expect, it } from 'vitest';
import { audit } from '../../bench/audit/audit.ts';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { checkBias } from '../../bench/audit/property.ts';
import { createRandom } from '../../core/random.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
} from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import type { AnyAlgorithm } from '../algorithm.ts';
import { chains } from '../sketch.test-helper.ts';
import { randomCredit } from './index.ts';

const options = randomCredit.schema.parse({});
const advantages = (returns: readonly number[], seed: number, length = 1) =>
  randomCredit.credit([chains(returns, length)], options, createRandom(seed)).actions;

describe('random credit', () => {
  // equation (random-credit): A_i
  it('is 1 or -1, evenly', () => {
    const values = advantages(new Array<number>(4000).fill(1), 0).map(({ advantage }) => advantage as number);
    expect(new Set(values)).toEqual(new Set([-1, 1]));
    // The standard deviation of the sum is 63.
    expect(Math.abs(values.reduce((a, b) => a + b, 0))).toBeLessThan(250);
  });

  // equation (random-credit): A_i
  it('is one draw per trajectory, and looks at no return', () => {
    const actions = advantages([1, 0, 0.5, 0.2, 0, 1], 1, 3);
    const draws = new Map(actions.map(({ sequence, advantage }) => [sequence, advantage]));
    expect(draws.size).toBe(6);
    for (const { sequence, advantage } of actions) expect(advantage).toBe(draws.get(sequence));
    expect(advantages([0, 0, 0, 0, 0, 0], 1, 3)).toEqual(actions);
    expect(advantages([1, 0, 0.5, 0.2, 0, 1], 2, 3)).not.toEqual(actions);
  });

  it('keeps the contract of algorithms, but that equal returns teach nothing', async () => {
    const check = (constantRewards: 'any' | 'zero') =>
      checkAlgorithm(randomCredit, { random: createRandom(0), options: { groupSize: 6 }, constantRewards });
    expect(await check('any')).toEqual([]);
    expect((await check('zero')).join()).toContain('equal returns give an advantage of 1');
    expect(randomCredit.budget(6)).toEqual({ groupSize: 6 });
  });

  it.each(['plain', 'own'] as const)(
    'has an expected gradient of exactly 0 (%s objective)',
    async (objective) => {
      const result = await audit({
        algorithm: randomCredit as AnyAlgorithm,
        options: randomCredit.schema.parse({ groupSize: 4 }),
        environment: stopOrSearch(),
        task: STOP_OR_SEARCH_TASK,
        policy: createTabularPolicy(STOP_OR_SEARCH_LOGITS),
        objective,
      });
      expect([result.method, result.outcomes]).toEqual(['exact', 1296]); // 3^4 groups, 2^4 draws
      for (const { expected } of result.gradient.components) expect(Math.abs(expected)).toBeLessThan(1e-12);
      expect([result.gradient.kind, result.advantage.kind]).toEqual(['zero', 'zero']);
      expect(result.directionError).toBeCloseTo(1, 9);
      expect(result.variance).toBeCloseTo(objective === 'plain' ? 0.18862 : 0.10109, 5);
    },
  );

  it('has, as its expected gradient and advantage, 0 on random MDPs', async () => {
    await checkBias(randomCredit as AnyAlgorithm, {
      expect: { gradient: 'zero', advantage: 'zero' },
      limit: 200,
    });
  });
});
