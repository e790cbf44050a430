import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../../bench/audit/check-algorithm.ts';
import { checkBias } from '../../bench/audit/property.ts';
import { createRandom } from '../../core/random.ts';
import { exactBias } from '../exact-bias.test-helper.ts';
import { evaluateLoss } from '../objective.ts';
import { rlooAdvantages } from '../rloo/index.ts';
import { chains } from '../sketch.test-helper.ts';
import { drGrpo, drGrpoAdvantages } from './index.ts';

const defaults = drGrpo.schema.parse({});
const random = createRandom(0);

describe('Dr. GRPO advantages', () => {
  // equation (dr-grpo): A_i
  it('of reference 1.2', () => {
    for (const [i, value] of drGrpoAdvantages([1, 0, 0, 0, 0]).entries()) {
      expect(value).toBeCloseTo(i === 0 ? 0.8 : -0.2, 12);
    }
  });

  it("are RLOO's times (n - 1) / n", () => {
    const returns = [0.2, 0.9, 0, 1, 0.4];
    const others = rlooAdvantages(returns);
    for (const [i, value] of drGrpoAdvantages(returns).entries()) {
      expect(value).toBeCloseTo(0.8 * others[i]!, 12);
    }
  });

  it('are exactly 0 for equal returns, and for a group of one', () => {
    expect(drGrpoAdvantages([0.1, 0.1, 0.1])).toEqual([0, 0, 0]);
    expect(drGrpoAdvantages([0.7])).toEqual([0]);
  });
});

describe('Dr. GRPO', () => {
  // equation (dr-grpo): A_i
  it('plans G rollouts and gives every action of a trajectory its advantage', () => {
    expect(drGrpo.next(chains([]), { ...defaults, groupSize: 3 }, random)).toHaveLength(3);
    const { actions } = drGrpo.credit([chains([1, 0], 3)], defaults, random);
    expect(actions.map(({ advantage }) => advantage)).toEqual([0.5, 0.5, 0.5, -0.5, -0.5, -0.5]);
    expect(new Set(actions.map(({ sequence }) => sequence)).size).toBe(2);
  });

  // equation (dr-grpo): PPO-clip; each trajectory
  it('weighs every token alike: by 1 / (trajectories * normalizer), whatever the length', () => {
    const objective = drGrpo.objective({ ...defaults, normalizer: 10 });
    const rows = [
      { sequence: 'short', advantages: [1], oldLogProbs: [-1] },
      { sequence: 'long', advantages: [-1, -1, -1], oldLogProbs: [-1, -1, -1] },
    ];
    const { gradient } = evaluateLoss(
      objective,
      rows,
      rows.map(({ oldLogProbs }) => oldLogProbs),
    );
    expect(gradient.map((gradients) => [...gradients])).toEqual([[-1 / 20], [1 / 20, 1 / 20, 1 / 20]]);
  });

  it('keeps the contract', async () => {
    expect(await checkAlgorithm(drGrpo, { random, batches: 5 })).toEqual([]);
    expect(defaults).toEqual(drGrpo.schema.parse(drGrpo.budget(16)));
  });
});

describe('the exact bias of Dr. GRPO', () => {
  // Field notes, section E: 0.750, 0.750. The own return in the mean costs a factor (n - 1) / n and no direction.
  it.each(['plain', 'own'] as const)('is a factor (n - 1) / n (%s loss)', async (objective) => {
    const { kind, root, leaf } = await exactBias(drGrpo, { groupSize: 4 }, { objective });
    expect(kind).toBe('scaled');
    expect(root).toBeCloseTo(0.75, 12);
    expect(leaf).toBeCloseTo(0.75, 12);
  });

  it('is that factor on random MDPs, too', async () => {
    await checkBias(drGrpo, {
      expect: 'scaled',
      factor: ({ rollouts }) => (rollouts - 1) / rollouts,
      objective: 'own',
      runs: 20,
    });
  });

  // Section E's 0.600, 0.375: the same advantages with a mean over each trajectory's tokens, the length bias that
  // the paper removes.
  it('comes back with a mean over the tokens of each trajectory', async () => {
    const options = { groupSize: 4, aggregation: 'sequence-mean-token-mean' };
    const { kind, root, leaf } = await exactBias(drGrpo, options, { objective: 'own' });
    expect(kind).toBe('biased');
    expect(root).toBeCloseTo(0.6, 3);
    expect(leaf).toBeCloseTo(0.375, 3);
  });
});
