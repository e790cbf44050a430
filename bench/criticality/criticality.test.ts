import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import type { Environment, Task } from '../../envs/environment.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { exactCriticality, moments, sampledCriticality, samplingError } from './criticality.ts';
import { measureStates, moveKind, visitedStates } from './measure.ts';
import { exactEnvironment, greedyOutcomes, type Outcomes } from './outcomes.ts';
import { agreement } from './predict.ts';

const sampling = { temperature: 1 };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Stop-or-search with the given logits of searching and of A. */
const solved = async (search: number, a: number, searchReward = 0) => {
  const environment = exactEnvironment(stopOrSearch(searchReward));
  const policy = createTabularPolicy({
    initial: ({ text }, action) => (text === 'start' ? [0, search] : [a, 0])[action]!,
  });
  const start = environment.reset(STOP_OR_SEARCH_TASK);
  const found = environment.step(start, 'search', createRandom(0)).state;
  const states = await greedyOutcomes({ environment, policy, states: [start, found], sampling });
  return states.map(exactCriticality);
};

describe('exact criticality of stop-or-search, in closed form', () => {
  it('is |difference of outcomes| sqrt(p (1 - p)), with the greedy continuation', async () => {
    const [p, q] = [sigmoid(0.4), sigmoid(-0.6)];
    const [start, found] = await solved(0.4, -0.6);
    // B is more likely than A: searching leads to 0, stopping to 0.3.
    expect(start!.exact).toBeCloseTo(0.3 * Math.sqrt(p * (1 - p)), 14);
    expect(found!.exact).toBeCloseTo(Math.sqrt(q * (1 - q)), 14);
    const [other] = await solved(0.4, 0.6);
    // A is more likely: searching leads to 1.
    expect(other!.exact).toBeCloseTo(0.7 * Math.sqrt(p * (1 - p)), 14);
  });

  it('counts rewards on the way', async () => {
    const [start] = await solved(0, 0.6, 0.2);
    expect(start!.exact).toBeCloseTo((1.2 - 0.3) / 2, 14);
  });

  it('is the outcome std where the environment draws nothing', async () => {
    for (const { exact, outcome } of await solved(0.4, -0.6)) expect(outcome).toBeCloseTo(exact, 14);
  });
});

const TASK: Task = { id: 'coin', question: '', answers: [], kind: 'diagnostic', hops: 1 };

/** 'coin' pays 1 with probability 0.7, 'sure' pays 0.2, 'wait' leads to the same choice once more. */
const coin: Environment<{ turn: number }> = {
  id: 'coin/v1',
  markov: true,
  rewardRange: [0, 1],
  reset: () => ({ turn: 0 }),
  observe: ({ turn }) => ({ text: `turn ${turn}` }),
  actions: ({ turn }) => (turn === 0 ? ['coin', 'sure', 'wait'] : ['coin', 'sure']),
  step: ({ turn }, action, random) => {
    const reward = action === 'coin' ? random.categorical([0.3, 0.7]) : action === 'sure' ? 0.2 : 0;
    return { state: { turn: turn + 1 }, reward, terminated: action !== 'wait', truncated: false };
  },
  answer: () => '',
  key: ({ turn }) => String(turn),
};

describe('an environment that draws', () => {
  it('averages its luck out of criticality and keeps it in the outcome std', async () => {
    const environment = exactEnvironment(coin);
    const policy = createTabularPolicy();
    const [state] = await greedyOutcomes({ environment, policy, states: [{ turn: 0 }], sampling });
    // Greedy with equal logits takes 'coin' after 'wait'.
    expect(state!.outcomes[2]).toEqual(state!.outcomes[0]);
    const { exact, outcome } = exactCriticality(state!);
    // Means 0.7, 0.2, 0.7 with a third each.
    expect(exact).toBeCloseTo(Math.sqrt((0.7 ** 2 * 2 + 0.2 ** 2) / 3 - (1.6 / 3) ** 2), 14);
    expect(outcome).toBeCloseTo(Math.sqrt((0.7 * 2 + 0.2 ** 2) / 3 - (1.6 / 3) ** 2), 14);
  });

  it('refuses one that cannot be enumerated, and a cycle', async () => {
    const { key: _, ...keyless } = coin;
    expect(() => exactEnvironment(keyless)).toThrow("environment 'coin/v1': criticality needs");
    const cycle = exactEnvironment({ ...coin, actions: () => ['wait'], key: () => 'same' });
    const run = greedyOutcomes({
      environment: cycle,
      policy: createTabularPolicy(),
      states: [{ turn: 0 }],
      sampling,
    });
    await expect(run).rejects.toThrow('cycle');
  });
});

describe('sampled criticality', () => {
  it('has an unbiased square and the expectation and error that samplingError states', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ value: fc.integer({ min: 0, max: 10 }), weight: fc.integer({ min: 1, max: 9 }) }),
          {
            minLength: 2,
            maxLength: 3,
          },
        ),
        fc.integer({ min: 2, max: 4 }),
        (parts, samples) => {
          const unique = [...new Map(parts.map((part) => [part.value, part])).values()];
          const total = unique.reduce((sum, { weight }) => sum + weight, 0);
          const outcomes: Outcomes = unique.map(({ value, weight }) => ({
            value,
            probability: weight / total,
          }));
          // All samples^outcomes sequences, by brute force.
          let [first, second] = [0, 0];
          const draw = (values: readonly number[], probability: number): void => {
            if (values.length === samples) {
              const estimate = sampledCriticality(values);
              first += probability * estimate;
              second += probability * estimate ** 2;
              return;
            }
            for (const outcome of outcomes) {
              draw([...values, outcome.value], probability * outcome.probability);
            }
          };
          draw([], 1);
          const stated = samplingError(outcomes, samples);
          expect(second).toBeCloseTo(moments(outcomes).deviation ** 2, 10);
          expect(stated.expected).toBeCloseTo(first, 10);
          expect(stated.deviation).toBeCloseTo(Math.sqrt(Math.max(0, second - first ** 2)), 5);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('falls back to the second-order formula where values are many', () => {
    const many: Outcomes = Array.from({ length: 40 }, (_, value) => ({
      value: value / 39,
      probability: 1 / 40,
    }));
    const { expected, deviation } = samplingError(many, 16);
    const random = createRandom(1);
    const estimates = Array.from({ length: 4000 }, () =>
      sampledCriticality(Array.from({ length: 16 }, () => random.integer(40) / 39)),
    );
    const mean = estimates.reduce((sum, value) => sum + value, 0) / estimates.length;
    expect(Math.abs(mean - expected)).toBeLessThan(0.003);
    expect(deviation / sampledCriticality(estimates)).toBeCloseTo(1, 1);
  });

  it('agrees with the exact values within the stated error, played through the environment', async () => {
    for (const [environment, task] of [
      [stopOrSearch(), STOP_OR_SEARCH_TASK],
      [coin, TASK],
    ] as const) {
      const random = createRandom(3);
      const request = {
        environment: exactEnvironment(environment),
        policy: createTabularPolicy({ initial: (_, action) => action / 3 }),
        sampling,
        random,
      };
      // 200 copies of the question: 200 independent estimates of the same few states.
      const tasks = Array.from({ length: 200 }, (_, index) => ({ ...task, id: `${task.id} ${index}` }));
      const visited = await visitedStates({ ...request, tasks, trajectories: 1 });
      const states = await measureStates({ ...request, states: visited, samples: 8 });
      const { z, withinTwo, sampled, exact } = agreement(states, 8)!;
      expect(Math.abs(z)).toBeLessThan(3);
      expect(withinTwo).toBeGreaterThan(0.85);
      // The root of an unbiased variance is biased down, by several standard errors here: the error must know.
      expect(sampled).toBeLessThan(exact);
    }
  });
});

describe('visited states', () => {
  it('lists each state once per question, with the surprisal of its first action', async () => {
    const environment = exactEnvironment(stopOrSearch());
    const policy = createTabularPolicy({
      initial: ({ text }, i) => (text === 'start' ? [0, 3] : [0, 0])[i]!,
    });
    const states = await visitedStates({
      environment,
      policy,
      sampling,
      random: createRandom(0),
      tasks: [STOP_OR_SEARCH_TASK],
      trajectories: 5,
    });
    expect(states.map(({ prompt, depth }) => [prompt.text, depth])).toEqual([
      ['start', 0],
      ['found', 1],
    ]);
    expect(states[1]!.surprisal).toBeCloseTo(Math.log(2), 14);
  });
  it('names a move by the first word of its action', () => {
    expect(moveKind('capital New Delhi')).toBe('capital');
  });
});
