import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { checkEnvironment } from '../check.ts';
import type { Environment, Task } from '../environment.ts';
import type { EnvironmentSpec } from '../spec.ts';
import { bruteValue, type Choose, decisions, trajectories, uniform } from './brute-force.test-helper.ts';
import type { ExactValues } from './diagnostic.ts';
import { KEY_DOOR_TASK, keyDoor, keyDoorSpec, keyDoorValues } from './key-door.ts';
import { NOISY_TOOL_TASK, noisyTool, noisyToolSpec, noisyToolValues } from './noisy-tool.ts';
import { randomTreeSpec } from './random-tree.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
  stopOrSearchExact,
  stopOrSearchSpec,
} from './stop-or-search.ts';

const context = { cacheDirectory: 'unused' };

/** Compares a closed form with brute force at every state in which something has to be decided. */
function expectExact<State>(
  environment: Environment<State>,
  task: Task,
  values: ExactValues,
  choose: Choose,
): void {
  const states = decisions(environment, task);
  expect([...values.keys()].sort()).toEqual([...states.keys()].sort());
  expect(values.keys().next().value).toBe(environment.key!(environment.reset(task)));
  for (const [key, state] of states) {
    const brute = bruteValue(environment, state, choose);
    const exact = values.get(key)!;
    expect(exact.value, key).toBeCloseTo(brute.value, 12);
    expect([...exact.actions.keys()], key).toEqual([...brute.actions.keys()]);
    for (const [action, value] of brute.actions) {
      expect(exact.actions.get(action), `${key} ${action}`).toBeCloseTo(value, 12);
    }
  }
}

/** P(first action), by observation; the other of two actions has the rest. */
const first =
  (probability: (text: string) => number): Choose =>
  (text) => [probability(text), 1 - probability(text)];

describe.each<[string, EnvironmentSpec, readonly object[]]>([
  ['stop-or-search/v1', stopOrSearchSpec, [{}, { searchReward: 0.2 }, { searchReward: -1 }]],
  ['key-door/v1', keyDoorSpec, [{}, { length: 1 }, { length: 20, distractor: 0.25 }]],
  ['noisy-tool/v1', noisyToolSpec, [{}, { turns: 1 }, { turns: 20, success: 0 }, { success: 1 }]],
  ['random-tree/v1', randomTreeSpec, [{}, { depth: 1 }, { seed: -5, depth: 6, branching: 3 }]],
] as [string, EnvironmentSpec, readonly object[]][])('%s', (id, spec, variants) => {
  it('keeps the contract of environments, in all its variants', async () => {
    for (const options of variants) {
      const loaded = await spec.load(spec.schema.parse(options), context);
      expect(loaded.environment.id).toBe(id);
      expect(checkEnvironment(loaded, { random: createRandom(1), walks: 50 })).toEqual([]);
    }
  });

  it('reaches both ends of its reward range and never leaves it', async () => {
    for (const options of variants.slice(0, 2)) {
      const { environment, tasks } = await spec.load(spec.schema.parse(options), context);
      const totals = trajectories(environment, tasks.train[0]!, uniform).map(({ total }) => total);
      expect(Math.min(...totals)).toBe(environment.rewardRange[0]);
      expect(Math.max(...totals)).toBe(environment.rewardRange[1]);
    }
  });

  it('has a fingerprint that holds its options', async () => {
    const prints = await Promise.all(
      variants.map(async (options) => (await spec.load(spec.schema.parse(options), context)).fingerprint),
    );
    expect(new Set(prints).size).toBe(variants.length);
    expect(prints[0]).toContain(id);
  });

  it('rejects options that it does not have', () => {
    expect(spec.schema.safeParse({ nonsense: 1 }).success).toBe(false);
    return expect(spec.load({ nonsense: 1 }, context)).rejects.toThrow(InputError);
  });

  it('throws on a step after the end', async () => {
    const { environment, tasks } = await spec.load(spec.schema.parse({}), context);
    const random = createRandom(0);
    let state = environment.reset(tasks.train[0]!);
    let action = '';
    for (let ended = false; !ended; ) {
      action = environment.actions!(state)[0]!;
      const next = environment.step(state, action, random);
      ended = next.terminated || next.truncated;
      state = next.state;
    }
    expect(environment.actions!(state)).toEqual([]);
    expect(() => environment.step(state, action, random)).toThrow(RangeError);
    expect(() => environment.step(state, action, random)).toThrow('after the end');
  });
});

describe('stop-or-search/v1', () => {
  const { initial } = STOP_OR_SEARCH_LOGITS;
  const softmax: Choose = (text, actions) => {
    const weights = actions.map((_, index) => Math.exp(initial({ text }, index)));
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  };

  it.each([0, 0.2, -1])('has its closed form, searchReward %d', (searchReward) => {
    const { values, expectedReturn } = stopOrSearchExact(searchReward);
    expectExact(stopOrSearch(searchReward), STOP_OR_SEARCH_TASK, values, softmax);
    expect(expectedReturn).toBe(values.get('start')!.value);
  });

  it.each([0, 0.2])('has the gradient that finite differences have, searchReward %d', (searchReward) => {
    const step = 1e-6;
    const at = (search: number, A: number): number =>
      stopOrSearchExact(searchReward, { search, A }).expectedReturn;
    const { search, A } = STOP_OR_SEARCH_LOGITS;
    const { gradient } = stopOrSearchExact(searchReward);
    expect(gradient.search).toBeCloseTo((at(search + step, A) - at(search - step, A)) / (2 * step), 9);
    expect(gradient.A).toBeCloseTo((at(search, A + step) - at(search, A - step)) / (2 * step), 9);
  });

  it('has the numbers that are quoted', () => {
    const { expectedReturn, gradient, values } = stopOrSearchExact();
    expect(values.get('found')!.value).toBeCloseTo(0.35434369377420455, 15);
    expect(expectedReturn).toBeCloseTo(0.3325348989, 10);
    expect(gradient.search).toBeCloseTo(0.0130566564, 10);
    expect(gradient.A).toBeCloseTo(0.1369703016, 10);
  });

  it('accepts no name that only the prototype has', () => {
    const environment = stopOrSearch();
    for (const action of ['constructor', 'toString', '__proto__', 'A']) {
      expect(() => environment.step({ at: 'start', answer: '' }, action, createRandom(0))).toThrow(
        "is not legal at 'start'; legal: stop, search",
      );
    }
  });
});

describe('key-door/v1', () => {
  it.each([
    [{}, 0.5],
    [{ length: 1 }, 0.2],
    [{ length: 5, distractor: 0.25 }, 0.9],
  ])('has its closed form, %j with P(take) %d', (options, take) => {
    const choose = first((text) => (text === 'a key lies here' ? take : 0.3));
    expectExact(keyDoor(options), KEY_DOOR_TASK, keyDoorValues(options, take), choose);
  });

  it('gives all credit to the first action: advantages in the corridor are exactly 0', () => {
    const environment = keyDoor({ length: 4, distractor: 0.5 });
    const states = [...decisions(environment, KEY_DOOR_TASK).values()];
    for (const state of states) {
      const { value, actions } = bruteValue(environment, state, uniform);
      const advantages = [...actions.values()].map((q) => q - value);
      expect(advantages).toEqual(state.turn === 0 ? [0.5, -0.5] : [0, 0]);
    }
  });

  it('adds variance length distractor^2 / 4 by its distractor and changes no expected difference', () => {
    const taken: Choose = (text) => (text === 'a key lies here' ? [1, 0] : [0.5, 0.5]);
    const all = trajectories(keyDoor({ length: 4, distractor: 0.5 }), KEY_DOOR_TASK, taken);
    const mean = all.reduce((sum, { probability, total }) => sum + probability * total, 0);
    const variance = all.reduce((sum, { probability, total }) => sum + probability * (total - mean) ** 2, 0);
    expect(mean).toBeCloseTo(2, 12);
    expect(variance).toBeCloseTo((4 * 0.5 ** 2) / 4, 12);
  });

  it('opens only with the key and always terminates', () => {
    for (const { actions, last, total } of trajectories(keyDoor(), KEY_DOOR_TASK, uniform)) {
      const key = actions[0] === 'take the key';
      expect(actions).toHaveLength(4);
      expect(last).toEqual({ terminated: true, truncated: false, answer: key ? 'open' : 'shut' });
      expect(total).toBe(key ? 1 : 0);
    }
  });

  it('names the option that is out of range', () => {
    expect(() => keyDoor({ length: 0 })).toThrow(InputError);
    expect(() => keyDoor({ length: 0 })).toThrow(/^key-door\/v1: option length is 0: .*>=1/);
    expect(() => keyDoor({ distractor: 2 })).toThrow(/option distractor is 2: .*<=1/);
  });
});

describe('noisy-tool/v1', () => {
  it.each([
    [{}, { call: 0.5, answer: 0.5 }],
    [{ turns: 1 }, { call: 0.9, answer: 0.1 }],
    [
      { turns: 5, success: 0.3 },
      { call: 0.8, answer: 0.6 },
    ],
    // B = 1: every call fails and nothing else is done.
    [
      { turns: 4, success: 0 },
      { call: 1, answer: 0.5 },
    ],
    [
      { turns: 4, success: 1 },
      { call: 1, answer: 1 },
    ],
  ])('has its closed form, %j under %j', (options, policy) => {
    const choose = first((text) => (text.endsWith('no result') ? policy.call : policy.answer));
    const environment = noisyTool(options);
    expectExact(environment, NOISY_TOOL_TASK, noisyToolValues(options, policy), choose);
  });

  it('has the numbers that are quoted', () => {
    const values = noisyToolValues({}, { call: 0.5, answer: 0.5 });
    expect(values.get('1 turns left, result')!.value).toBe(0.625);
    expect(values.get('2 turns left, no result')!.value).toBeCloseTo(0.3625, 15);
  });

  it('is truncated with reward 0 where the turns run out, terminated where an answer is given', () => {
    const all = trajectories(noisyTool({ turns: 3 }), NOISY_TOOL_TASK, uniform);
    const cut = all.filter(({ last }) => last.truncated);
    expect(all.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
    // Three calls that failed twice at first, or failed thrice: the third one may succeed, too late.
    expect(cut.map(({ actions }) => actions)).toEqual([
      ['call', 'call', 'call'],
      ['call', 'call', 'call'],
    ]);
    for (const { last, total } of all) {
      expect(last.terminated).toBe(!last.truncated);
      expect(last.answer).toBe(last.truncated ? undefined : total === 1 ? 'right' : 'wrong');
      expect(total).toBe(last.answer === 'right' ? 1 : 0);
    }
  });
});
