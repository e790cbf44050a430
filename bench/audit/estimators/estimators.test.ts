import { describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../../algorithms/algorithm.ts';
import { arpo } from '../../../algorithms/arpo/index.ts';
import { carl } from '../../../algorithms/carl/index.ts';
import { configured } from '../../../algorithms/configured.ts';
import { drGrpo } from '../../../algorithms/dr-grpo/index.ts';
import { gigpo } from '../../../algorithms/gigpo/index.ts';
import { grpo } from '../../../algorithms/grpo/index.ts';
import { ppo } from '../../../algorithms/ppo/index.ts';
import { rloo } from '../../../algorithms/rloo/index.ts';
import { treeGrpo } from '../../../algorithms/tree-grpo/index.ts';
import { vinePpo } from '../../../algorithms/vineppo/index.ts';
import { createRandom } from '../../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../../envs/diagnostic/stop-or-search.ts';
import { creditOf } from '../../trajectories/credit.ts';
import { growTree } from '../../trajectories/grow.ts';
import { audit } from '../audit.ts';
import { auditPolicy } from '../policies.ts';
import { checkBias } from '../property.ts';
import { type Asked, largestDifferences, recorded } from './agreement.ts';
import type { Estimator, EstimatorAdvantages } from './estimator.ts';
import { byReturns, leaveOneOut, standardised } from './estimators.test-helper.ts';

const request = {
  environment: stopOrSearch(0.2),
  task: STOP_OR_SEARCH_TASK,
  policy: auditPolicy('default', 'stop-or-search/v1'),
};
const four = { ...request, algorithm: rloo as AnyAlgorithm, options: { groupSize: 4 } };
const auditOf = (estimator: Estimator) => audit({ ...four, estimator });

/** One of our algorithms as somebody else's program would be: from the rollouts alone. */
const asEstimator = (algorithm: AnyAlgorithm, options: object): Estimator => ({
  id: algorithm.id,
  advantages: (batches) =>
    batches.map((batch) => {
      const said = creditOf([growTree(batch, 'none')], configured(algorithm, options), createRandom(0));
      if ('lacks' in said) throw new Error(`lacks ${said.lacks}`);
      return said.credits[0]!.map((row) =>
        row.map((turn) =>
          turn === undefined ? null : [...turn].map((one) => (Number.isNaN(one) ? null : one)),
        ),
      );
    }),
});

describe('an estimator', () => {
  it.each<[AnyAlgorithm]>([[rloo], [grpo], [ppo], [gigpo], [carl], [treeGrpo], [vinePpo], [arpo]])(
    'that says what $id says is audited as $id is, forks included',
    async (algorithm) => {
      const options = algorithm.budget(4);
      const own = await audit({ ...request, algorithm, options, limit: 3000, samples: 200 });
      const estimator = asEstimator(algorithm, options);
      const again = await audit({ ...request, algorithm, options, limit: 3000, samples: 200, estimator });
      expect(own.trainedActions).toBeGreaterThan(0);
      for (const quantity of ['gradient', 'advantage'] as const) {
        for (const [at, { name, expected }] of again[quantity].components.entries()) {
          const wanted = own[quantity].components[at]!.expected;
          if (Number.isNaN(wanted)) expect(expected, name).toBeNaN();
          else expect(expected, name).toBeCloseTo(wanted, 10);
        }
      }
      expect(again.errorPerToken).toBeCloseTo(own.errorPerToken, 9);
      expect(again.trainedActions).toBeCloseTo(own.trainedActions, 9);
    },
  );

  it('gets every outcome once, many at a time, with all that was sampled', async () => {
    const calls: number[] = [];
    const seen = new Set<string>();
    const { advantages } = byReturns('rloo', leaveOneOut);
    const found = await auditOf({
      id: 'mine',
      advantages: (batches) => {
        calls.push(batches.length);
        for (const batch of batches) seen.add(JSON.stringify(batch));
        expect(batches[0]![0]!.turns[0]).toMatchObject({
          observation: { text: 'start', actions: ['stop', 'search'] },
          logprobs: [expect.any(Number)],
          entropies: [expect.any(Number)],
        });
        return advantages(batches);
      },
    });
    expect(calls).toEqual([81]);
    expect(seen.size).toBe(81);
    expect(found).toMatchObject({ algorithm: 'mine', method: 'exact', outcomes: 81 });
    expect(found.gradient.kind).toBe('unbiased');
  });

  it('may say null for what is not trained, by turn and by token', async () => {
    const untrained = byReturns('none', leaveOneOut);
    const search: Estimator = {
      id: 'search only',
      advantages: async (batches) =>
        (await untrained.advantages(batches)).map((rows) =>
          rows.map((row) => (row.length === 1 ? [null] : [[row[0] as number], [null]])),
        ),
    };
    const found = await auditOf(search);
    const trained = found.advantage.components.filter(({ expected }) => !Number.isNaN(expected));
    expect(trained.map(({ name }) => name)).toEqual(['start: search']);
  });

  it('in float32 is not biased for that', async () => {
    const single = await auditOf(byReturns('single', (r) => leaveOneOut(r).map(Math.fround)));
    expect(single.gradient.kind).toBe('unbiased');
    const slightly = (returns: readonly number[]) => leaveOneOut(returns).map((a) => (a > 0 ? a * 1.001 : a));
    expect((await auditOf(byReturns('slightly off', slightly))).gradient.kind).toBe('biased');
  });
});

describe('checkBias', () => {
  const check = (rule: Parameters<typeof byReturns>[1], expected: 'unbiased' | 'biased') =>
    checkBias(rloo as AnyAlgorithm, { expect: expected, estimator: byReturns('mine', rule), runs: 15 });

  it('searches random decision processes for a counterexample to an estimator', async () => {
    expect((await check(leaveOneOut, 'unbiased')).audited).toBeGreaterThanOrEqual(15);
    expect((await check(standardised(1), 'biased')).witnesses).toHaveLength(1);
    await expect(check(standardised(1), 'unbiased')).rejects.toThrow('should be unbiased');
  });
});

describe('estimators with one mistake', () => {
  it('in the standard deviation are told apart from those without', async () => {
    const sample = recorded(byReturns('sample', standardised(1)));
    const population = recorded(byReturns('population', standardised(0)));
    const own = await audit({ ...four, algorithm: grpo as AnyAlgorithm });
    const right = await auditOf(sample.estimator);
    const wrong = await auditOf(population.estimator);
    expect(right.gradient.factor).toBeCloseTo(own.gradient.factor, 9);
    expect(wrong.gradient.factor / own.gradient.factor).toBeCloseTo(Math.sqrt(4 / 3), 4);
    const ours = [
      configured(grpo as AnyAlgorithm),
      configured(grpo as AnyAlgorithm, { std: 'population' }),
      configured(drGrpo as AnyAlgorithm),
      configured(ppo as AnyAlgorithm),
    ];
    const differences = (asked: readonly Asked[]) =>
      largestDifferences(asked, ours).map((one) => one !== undefined && (one < 1e-12 ? 'same' : one > 0.1));
    expect(differences(sample.asked)).toEqual(['same', true, true, false]);
    expect(differences(population.asked)).toEqual([true, 'same', true, false]);
  });

  it("in whose rollout a return is teach nothing; a peer's return on top costs error alone", async () => {
    const right = await auditOf(byReturns('right', leaveOneOut));
    const rotated = (values: readonly number[]) => values.map((_, at) => values[(at + 1) % values.length]!);
    // Not 0: a baseline without the rollout itself holds the return that was lost.
    const shifted = await auditOf(byReturns('shifted', (returns) => rotated(leaveOneOut(returns))));
    expect(shifted.gradient.kind).toBe('biased');
    expect(shifted.gradient.flipped).toHaveLength(4);
    const moved = await auditOf(byReturns('moved', rotated));
    expect(moved.gradient.kind).toBe('zero');
    const leaking = (returns: readonly number[]) =>
      leaveOneOut(returns).map((value, at) => value + 0.5 * rotated(returns)[at]!);
    const leaked = await auditOf(byReturns('leaking', leaking));
    expect(leaked.gradient.kind).toBe('unbiased');
    expect(leaked.errorPerToken).toBeGreaterThan(1.1 * right.errorPerToken);
  });

  it('in the sign are wrong in every component', async () => {
    const found = await auditOf(byReturns('sign', (returns) => leaveOneOut(returns).map((a) => -a)));
    expect(found.gradient.kind).toBe('biased');
    expect(found.gradient.factor).toBeCloseTo(-1, 9);
    expect(found.gradient.flipped).toHaveLength(4);
    expect(found.directionError).toBe(1);
  });
});

describe('an answer that is not valid is refused', () => {
  const answering = (change: (rows: EstimatorAdvantages) => unknown): Estimator => ({
    id: 'mine',
    advantages: async (batches) =>
      (await byReturns('', leaveOneOut).advantages(batches)).map(
        (rows) => change(rows) as EstimatorAdvantages,
      ),
  });
  it.each<[string, (rows: EstimatorAdvantages) => unknown, string]>([
    ['no list', () => ({ a: 1 }), 'advantages is {"a":1}; valid: a list with one row per trajectory'],
    ['a row too few', (rows) => rows.slice(1), 'advantages has 3 rows; valid: 4, one per trajectory'],
    [
      'a number for a row',
      (rows) => rows.map(() => 1),
      'advantages[0] is 1; valid: a list with one value per turn',
    ],
    [
      'a turn too many',
      (rows) => rows.map((row) => [...row, 0]),
      'advantages[0] has 2 values; valid: 1, one per turn',
    ],
    [
      'NaN',
      (rows) => rows.map((row) => row.map(() => Number.NaN)),
      'advantages[0][0] is NaN; valid: a number, a list',
    ],
    [
      'a text',
      (rows) => rows.map((row) => row.map(() => 'x')),
      'advantages[0][0] is "x"; valid: a number, a list',
    ],
    [
      'too many tokens',
      (rows) => rows.map((row) => row.map(() => [1, 2])),
      '[0][0] has 2 numbers; valid: 1, one per token',
    ],
    [
      'a token of infinity',
      (rows) => rows.map((row) => row.map(() => [1 / 0])),
      '[0][0][0] is Infinity; valid: a number, or null',
    ],
  ])('%s', async (_, change, message) => {
    await expect(auditOf(answering(change))).rejects.toThrow(`estimator 'mine': `);
    await expect(auditOf(answering(change))).rejects.toThrow(message);
  });

  it('an answer too few', async () => {
    await expect(auditOf({ id: 'mine', advantages: () => [] })).rejects.toThrow(
      "estimator 'mine' gave 0 answers; valid: 81, one per batch",
    );
  });
});
