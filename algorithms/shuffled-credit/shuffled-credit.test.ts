import { describe, expect, it } from 'vitest';
import { audit } from '../../bench/audit/audit.ts';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { createRandom } from '../../core/random.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
} from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import type { AnyAlgorithm, Credit } from '../algorithm.ts';
import { grpo } from '../grpo/index.ts';
import { chains } from '../sketch.test-helper.ts';
import { permuteSequences, shuffledCredit } from './index.ts';

const options = shuffledCredit.schema.parse({});
// Advantages of +-0.71 in the first question; 1.79 and -0.45 in the second.
const trees = [chains([1, 0], 2), chains([1, 0, 0, 0, 0])];
const bySequence = ({ actions }: Credit): Map<string, number> =>
  new Map(actions.map(({ sequence, advantage }) => [sequence, advantage as number]));
const sorted = (credit: Credit): number[] => [...bySequence(credit).values()].sort((a, b) => a - b);

describe('shuffled credit', () => {
  const own = grpo.credit(trees, options, createRandom(0));

  // equation (shuffled-credit): GRPO's advantages
  // equation (shuffled-credit): every action of a trajectory
  it("deals GRPO's advantages out anew, to whole trajectories", () => {
    const credit = shuffledCredit.credit(trees, options, createRandom(0));
    expect(sorted(credit)).toEqual(sorted(own));
    expect(bySequence(credit)).not.toEqual(bySequence(own));
    const values = bySequence(credit);
    for (const { sequence, advantage } of credit.actions) expect(advantage).toBe(values.get(sequence));
    expect(credit.actions.map(({ tree, edge, sequence }) => [tree, edge, sequence])).toEqual(
      own.actions.map(({ tree, edge, sequence }) => [tree, edge, sequence]),
    );
  });

  // equation (shuffled-credit): their permutation
  it('does so over the whole batch, every trajectory alike', () => {
    const largest = Math.max(...bySequence(own).values());
    const places = new Map<string, number>();
    for (let seed = 0; seed < 700; seed++) {
      for (const [sequence, value] of bySequence(shuffledCredit.credit(trees, options, createRandom(seed)))) {
        if (value === largest) places.set(sequence, (places.get(sequence) ?? 0) + 1);
      }
    }
    expect(places.size).toBe(7);
    // 100 each with a standard deviation of 9.3.
    for (const count of places.values()) expect(Math.abs(count - 100)).toBeLessThan(40);
  });

  it('keeps each trajectory its advantage where the order stays', () => {
    expect(permuteSequences(own, (advantages) => advantages)).toEqual(own);
  });

  // equation (shuffled-credit): plan and loss
  it("has GRPO's plan and loss", () => {
    const empty = chains([]);
    expect(shuffledCredit.next(empty, options, createRandom(0))).toEqual(
      grpo.next(empty, options, createRandom(0)),
    );
    expect(shuffledCredit.objective(options)).toEqual(grpo.objective(options));
  });

  it('keeps the contract of algorithms', async () => {
    expect(
      await checkAlgorithm(shuffledCredit, { random: createRandom(0), options: { groupSize: 6 } }),
    ).toEqual([]);
    expect(shuffledCredit.budget(6)).toEqual({ groupSize: 6 });
    expect(shuffledCredit.id).not.toBe(grpo.id);
  });

  it('has an expected gradient of exactly 0: no direction, some variance', async () => {
    const result = await audit({
      algorithm: shuffledCredit as AnyAlgorithm,
      options: shuffledCredit.schema.parse({ groupSize: 4 }),
      environment: stopOrSearch(),
      task: STOP_OR_SEARCH_TASK,
      policy: createTabularPolicy(STOP_OR_SEARCH_LOGITS),
    });
    expect([result.method, result.outcomes]).toEqual(['exact', 1944]); // 3^4 groups, 4! orders
    for (const { expected } of result.gradient.components) expect(Math.abs(expected)).toBeLessThan(1e-12);
    expect([result.gradient.kind, result.advantage.kind]).toEqual(['zero', 'zero']);
    expect(result.directionError).toBeCloseTo(1, 9);
    expect(result.variance).toBeCloseTo(0.14146, 5);
  });
});
