import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { carlLite } from '../../algorithms/carl-lite/index.ts';
import { grpo } from '../../algorithms/grpo/index.ts';
import { rloo } from '../../algorithms/rloo/index.ts';
import { createRandom } from '../../core/random.ts';
import { checkEnvironment } from '../../envs/check.ts';
import {
  drGrpo,
  drGrpoPerTurns,
  perState,
  perTurn,
  perTurnRewards,
  reinforce,
  stepWeighted,
} from './estimators.test-helper.ts';
import { solve } from './oracle.ts';
import { checkBias } from './property.ts';
import { countEpisodes, describeMdp, type MdpChoice, playable, smallMdp } from './small-mdp.ts';

describe('on random MDPs, policies and budgets, the gradient', () => {
  it.each<[string, AnyAlgorithm]>([
    ['REINFORCE', reinforce],
    ['RLOO', rloo],
    ['per-state leave-one-out', perState],
    ['per-turn-index leave-one-out of reward-to-go', perTurn],
  ])('of %s is unbiased', async (_, algorithm) => {
    await checkBias(algorithm, { expect: 'unbiased' });
  });

  it('of RLOO is unbiased under its own objective, too', async () => {
    await checkBias(rloo, { expect: 'unbiased', objective: 'own' });
  });

  it('of Dr. GRPO is scaled by (n - 1) / n', async () => {
    await checkBias(drGrpo, { expect: 'scaled', factor: ({ rollouts }) => (rollouts - 1) / rollouts });
  });

  it.each<[string, AnyAlgorithm]>([
    ['GRPO with std', grpo],
    ['a group mean over steps', stepWeighted],
    ['per-turn-index leave-one-out of rewards', perTurnRewards],
    ['Dr. GRPO divided by the number of turns', drGrpoPerTurns],
    ['CARL-Lite', carlLite],
  ])('of %s is biased', async (_, algorithm) => {
    const { witnesses } = await checkBias(algorithm, { expect: 'biased' });
    expect(witnesses).toHaveLength(1);
  });

  it.each<[string, AnyAlgorithm]>([
    ['RLOO', rloo],
    ['per-turn-index leave-one-out', perTurn],
  ])('of %s hides an advantage that is off by a baseline per state', async (_, algorithm) => {
    await checkBias(algorithm, { expect: { advantage: 'shifted' } });
    await expect(checkBias(algorithm, { expect: { advantage: 'unbiased' } })).rejects.toThrow(
      'the expected advantage is shifted, should be unbiased',
    );
  });
});

describe('a failed expectation', () => {
  it('shows the smallest MDP, its components, and how to replay it', async () => {
    const failure = await checkBias(drGrpo, { expect: 'unbiased' }).catch((error: Error) => error);
    expect((failure as Error).message).toBe(
      [
        'dr-grpo: the expected gradient is scaled by 0.500000, should be unbiased.',
        'Found in run 1 of 50, made smaller 7 times:',
        '/',
        '├─ a0 (p 0.500) → 0',
        '└─ a1 (p 0.500) → 0.125',
        '2 rollouts, options {"groupSize":2}',
        'gradient         exact     expected',
        '/: a0       -0.0312500   -0.0156250  <- farthest off',
        '/: a1        0.0312500    0.0156250',
        "Replay with { seed: 0, path: '0:0:0:0:0:1:1:1' }.",
      ].join('\n'),
    );
  });

  it('is replayed by its seed and path', async () => {
    const replay = checkBias(drGrpo, { expect: 'unbiased', path: '0:0:0:0:0:1:1:1' });
    await expect(replay).rejects.toThrow(
      'Found in run 1 of 50, made smaller 0 times:\n/\n├─ a0 (p 0.500) → 0',
    );
  });

  it('names the factor that was wrong', async () => {
    await expect(checkBias(drGrpo, { expect: 'scaled', factor: () => 0.9 })).rejects.toThrow(
      /is scaled by 0\.\d+, should be scaled by 0\.9\./,
    );
  });

  it('tells that a bias is not there', async () => {
    await expect(checkBias(rloo, { expect: 'biased' })).rejects.toThrow(
      'rloo: the gradient was biased on none of 50 random MDPs, expected one',
    );
  });

  it('tells that nothing is trained instead of calling it unbiased', async () => {
    const idle: AnyAlgorithm = { ...rloo, id: 'idle', credit: () => ({ actions: [] }) };
    await expect(checkBias(idle, { expect: { advantage: 'unbiased' } })).rejects.toThrow(
      'idle: nothing was learnt on any of 50 random MDPs',
    );
  });

  it('shows the MDP on which an algorithm throws, and the reason', async () => {
    const broken: AnyAlgorithm = {
      ...rloo,
      id: 'broken',
      credit: (trees, options, random) => {
        if (trees[0]!.edges.length > 2) throw new Error('too many edges');
        return rloo.credit(trees, options, random);
      },
    };
    await expect(checkBias(broken, { expect: 'unbiased' })).rejects.toThrow(
      /^broken: threw on this MDP with \d rollouts:\n\/\n[\s\S]*Error: too many edges$/,
    );
  });
});

describe('small MDPs', () => {
  const mdp: MdpChoice = [
    { logit: 0, reward: 0.5 },
    { logit: 1, reward: 0.25, next: [{ logit: 0, reward: 1 }] },
  ];

  it('are printed with probabilities and rewards', () => {
    expect(describeMdp(mdp)).toBe(
      ['/', '├─ a0 (p 0.269) → 0.5', '└─ a1 (p 0.731, pays 0.25)', '   └─ a0 (p 1.000) → 1'].join('\n'),
    );
    expect(countEpisodes(mdp)).toBe(2);
  });

  it('play as printed', async () => {
    const oracle = await solve({ ...playable(mdp), sampling: { temperature: 1 } });
    const p = 1 / (1 + Math.exp(-1));
    expect(oracle.value).toBeCloseTo((1 - p) * 0.5 + p * 1.25, 12);
    expect(playable(mdp).environment.rewardRange).toEqual([0.5, 1.25]);
  });

  it('keep the contract of environments', () => {
    fc.assert(
      fc.property(smallMdp(), (each) => {
        const { environment, task } = playable(each);
        const loaded = { environment, tasks: { train: [task], dev: [task], test: [task] }, fingerprint: '' };
        expect(checkEnvironment(loaded, { random: createRandom(0) }), describeMdp(each)).toEqual([]);
      }),
      { numRuns: 30, seed: 0 },
    );
  });
});
