import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../core/random.ts';
import { checkEnvironment } from './check.ts';
import { keyDoorSpec } from './diagnostic/key-door.ts';
import { noisyToolSpec } from './diagnostic/noisy-tool.ts';
import { randomTreeSpec } from './diagnostic/random-tree.ts';
import { stopOrSearchSpec } from './diagnostic/stop-or-search.ts';
import type { Environment, LoadedEnvironment, Task } from './environment.ts';
import { ENVIRONMENTS } from './registry.ts';
import type { AnyEnvironmentSpec } from './spec.ts';

const task: Task = { id: 'q1', question: 'Is it raining?', answers: ['yes'], kind: 'test', hops: 1 };

interface State {
  readonly turn: number;
  readonly total: number;
}

/** A sound environment of three turns: 'up' pays 1/4 or, by a coin, nothing. */
const sound: Environment<State> = {
  id: 'sound/v1',
  markov: true,
  rewardRange: [0, 0.75],
  reset: () => ({ turn: 0, total: 0 }),
  observe: ({ turn, total }) => ({ text: `turn ${turn} with ${total}` }),
  actions: ({ turn }) => (turn === 3 ? [] : ['up', 'stay']),
  step: (state, action, random) => {
    if (state.turn === 3 || !['up', 'stay'].includes(action)) throw new RangeError(`no action '${action}'`);
    const reward = action === 'up' && random.categorical([0.5, 0.5]) === 0 ? 0.25 : 0;
    const turn = state.turn + 1;
    return { state: { turn, total: state.total + reward }, reward, terminated: turn === 3, truncated: false };
  },
  answer: ({ total }) => `${total}`,
  key: ({ turn, total }) => `${turn} ${total}`,
};

type Splits = LoadedEnvironment['tasks'];
const one: Splits = { train: [task], dev: [task], test: [task] };

function problems(changes: Partial<Environment<State>>, tasks: Splits = one, maxActions = 50): string[] {
  const loaded = { environment: { ...sound, ...changes }, tasks, fingerprint: '' };
  return [...checkEnvironment(loaded, { random: createRandom(7), maxActions })];
}

const withId = (id: string): Task => ({ ...task, id });

describe('checkEnvironment', () => {
  let cacheDirectory: string;
  beforeAll(async () => {
    cacheDirectory = await mkdtemp(join(tmpdir(), 'check-environment-'));
  });
  afterAll(() => rm(cacheDirectory, { recursive: true, force: true }));

  const specs = new Map<string, AnyEnvironmentSpec>(
    [...ENVIRONMENTS, keyDoorSpec, noisyToolSpec, randomTreeSpec, stopOrSearchSpec].map((spec) => [
      spec.id,
      spec,
    ]),
  );

  it.each([...specs])('finds nothing wrong with %s', async (_, spec) => {
    const loaded = await spec.load(spec.schema.parse({}), { cacheDirectory });
    expect(checkEnvironment(loaded, { random: createRandom(1) })).toEqual([]);
  });

  it('finds nothing wrong with a sound environment, nor with one whose actions cannot be listed', () => {
    expect(problems({})).toEqual([]);
    const { actions: _, ...open } = sound;
    const loaded = { environment: open, tasks: one, fingerprint: '' };
    expect(checkEnvironment(loaded, { random: createRandom(7) })).toEqual([]);
  });

  it('puts Math.random back, also when the environment throws', () => {
    const before = Math.random;
    const found = problems({
      step: () => {
        throw new Error('out of order');
      },
    });
    expect(found).toEqual(['sound/v1: threw: out of order']);
    expect(Math.random).toBe(before);
  });

  const faults: Record<string, { readonly faulty: () => string[]; readonly finds: string }> = {
    'a step that changes its state': {
      faulty: () =>
        problems({
          step: (state, action, random) => {
            const next = sound.step(state, action, random);
            return { ...next, state: Object.assign(state, next.state) };
          },
        }),
      finds: 'changed the state that it was given',
    },
    'hidden chance from Math.random': {
      faulty: () =>
        problems({
          step: (state, action, random) => {
            const next = sound.step(state, action, random);
            return { ...next, reward: Math.random() < 0.5 ? 0 : next.reward };
          },
        }),
      finds: 'Math.random was called',
    },
    'a draw that cannot be enumerated': {
      faulty: () =>
        problems({
          step: (state, action, random) => {
            random.split('noise').uniform();
            return sound.step(state, action, random);
          },
        }),
      finds: 'random.uniform',
    },
    'an end that is both': {
      faulty: () =>
        problems({
          step: (state, action, random) => {
            const next = sound.step(state, action, random);
            return { ...next, truncated: next.terminated };
          },
        }),
      finds: 'both terminated and truncated',
    },
    'a return above its range': {
      faulty: () => problems({ rewardRange: [0, 0.2] }),
      finds: 'outside rewardRange [0, 0.2]',
    },
    'a return below its range': {
      faulty: () => problems({ rewardRange: [0.6, 0.75] }),
      finds: 'outside rewardRange [0.6, 0.75]',
    },
    'a range that is none': {
      faulty: () => problems({ rewardRange: [1, 0] }),
      finds: 'rewardRange [1, 0] is not a range',
    },
    'a reward that is no number': {
      faulty: () =>
        problems({
          step: (state, action, random) => ({ ...sound.step(state, action, random), reward: Number.NaN }),
        }),
      finds: 'a reward is NaN',
    },
    'a first observation that holds the answer': {
      faulty: () => problems({ observe: ({ turn }) => ({ text: `${task.question} (YES) ${turn}` }) }),
      finds: "the first observation of 'q1' contains its answer 'yes'",
    },
    'actions that repeat': {
      faulty: () => problems({ actions: () => ['up', 'stay', 'up'] }),
      finds: "actions repeat at 'turn 0 with 0'",
    },
    'a state with no action': {
      faulty: () => problems({ actions: ({ turn }) => (turn === 1 ? [] : ['up', 'stay']) }),
      finds: "no legal action at 'turn 1 with",
    },
    'an illegal action that passes silently': {
      faulty: () =>
        problems({
          step: (state, action, random) => sound.step(state, action === 'up' ? 'up' : 'stay', random),
        }),
      finds: 'an action that is not in actions(state) is accepted silently',
    },
    'an illegal action that passes silently, but not at first': {
      faulty: () =>
        problems({
          step: (state, action, random) =>
            sound.step(state, state.turn === 2 && action !== 'up' ? 'stay' : action, random),
        }),
      finds: '\\u0000 no such action" at \'turn 2',
    },
    'a lookup of actions that finds names of the prototype': {
      faulty: () => {
        const rewards: Record<string, number> = { up: 0.25, stay: 0 };
        const step = (state: State, action: string, random: Random) => {
          if (!(action in rewards)) throw new RangeError(`no action '${action}'`);
          return sound.step(state, action === 'up' ? 'up' : 'stay', random);
        };
        return problems({ step });
      },
      finds: '"constructor" at',
    },
    'state that is kept between calls': {
      faulty: () => {
        let calls = 0;
        return problems({
          step: (state, action, random) => {
            const next = sound.step(state, action, random);
            return { ...next, reward: calls++ < 3 ? next.reward : 0.125 };
          },
        });
      },
      finds: 'hidden state or chance',
    },
    'chance that shows in the next actions only': {
      faulty: () => {
        let calls = 0;
        return problems({
          observe: () => ({ text: 'the same' }),
          answer: () => '',
          key: () => '',
          actions: ({ turn, total }) => (turn === 3 ? [] : total > 0.01 ? ['stay', 'up'] : ['up', 'stay']),
          step: (state, action, random) => {
            const next = sound.step(state, action, random);
            return { ...next, state: { ...next.state, total: calls++ % 2 }, reward: 0 };
          },
        });
      },
      finds: 'hidden state or chance',
    },
    'a reset that depends on what came before': {
      faulty: () => {
        let resets = 0;
        return problems({ reset: () => ({ turn: 0, total: resets++ }) });
      },
      finds: 'reset twice gives two different states',
    },
    'an episode that never ends': {
      faulty: () =>
        problems({
          key: undefined as never,
          step: (state, action, random) => ({
            ...sound.step({ ...state, turn: 0 }, action, random),
            reward: 0,
          }),
        }),
      finds: 'an episode is longer than 50 actions',
    },
    'a key that comes back': {
      faulty: () => problems({ observe: () => ({ text: 'here' }), key: () => 'here' }),
      finds: "key 'here' returns within an episode",
    },
    'a key that two different states share': {
      faulty: () => problems({ key: ({ turn }) => `${turn}` }),
      finds: "key '1' belongs to two states",
    },
    'an id without a version': {
      faulty: () => problems({ id: 'sound' }),
      finds: 'id is not of the form name/v1',
    },
    'a task id that occurs twice': {
      faulty: () =>
        problems({}, { train: [withId('a'), withId('a')], dev: [withId('b')], test: [withId('c')] }),
      finds: "task id 'a' occurs twice in train",
    },
    'splits that overlap': {
      faulty: () =>
        problems(
          {},
          {
            train: [withId('a'), withId('b')],
            dev: [withId('c'), withId('d')],
            test: [withId('e'), withId('b')],
          },
        ),
      finds: "task 'b' is in train and in test",
    },
    'splits that overlap in a split of one task': {
      faulty: () =>
        problems({}, { train: [withId('a'), withId('b')], dev: [withId('a')], test: [withId('c')] }),
      finds: "task 'a' is in train and in dev",
    },
    'a split without tasks': {
      faulty: () => problems({}, { train: [withId('a')], dev: [], test: [withId('c')] }),
      finds: 'the dev split has no tasks',
    },
    'a score that it does not have': {
      faulty: () => problems({ score: { name: 'fun', range: [0, 1] } }),
      finds: "score.name is 'fun', which it does not have; valid: return, f1, em",
    },
    'a range of the score that is none': {
      faulty: () => problems({ score: { name: 'f1', range: [1, 0] } }),
      finds: 'score.range [1, 0] is not a range',
    },
    'a metric whose name is none': {
      faulty: () => problems({ metrics: [{ name: 'My', unit: 'count', description: '', of: () => 1 }] }),
      finds: "the name of the metric 'My' is not made of",
    },
    'a metric that is not a number': {
      faulty: () => problems({ metrics: [{ name: 'my', unit: '1', description: '', of: () => Number.NaN }] }),
      finds: "the metric 'my' is NaN",
    },
    'a task without answers': {
      faulty: () => {
        const bare = { ...task, answers: [] };
        return problems({}, { train: [bare], dev: [bare], test: [bare] });
      },
      finds: "task 'q1' has no answers",
    },
  };

  it('wants no answers of an environment that has none', () => {
    const { answer: _, ...silent } = sound;
    const bare = { ...task, answers: [] };
    const tasks = { train: [bare], dev: [bare], test: [bare] };
    const loaded = { environment: silent, tasks, fingerprint: '' };
    expect(checkEnvironment(loaded, { random: createRandom(7) })).toEqual([]);
  });

  it.each(Object.entries(faults))('finds %s', (_, { faulty, finds }) => {
    const found = faulty();
    expect(found.join('\n')).toContain(finds);
    for (const problem of found) expect(problem).toMatch(/^sound(\/v1)?: /);
  });
});

describe('free text', () => {
  const { actions: _, ...plain } = sound;
  const written: Environment<State> = {
    ...plain,
    markov: false,
    text: { stops: ['.'], maxActionTokens: 5, maxObservationTokens: 5 },
    step: ({ turn, total }, action) => ({
      state: { turn: turn + 1, total: total + (action === 'up.' ? 0.25 : 0) },
      reward: action === 'up.' ? 0.25 : 0,
      terminated: turn === 2,
      truncated: false,
    }),
  };
  const check = (changes: Partial<Environment<State>>): readonly string[] =>
    checkEnvironment(
      {
        environment: { ...written, ...changes },
        tasks: one,
        fingerprint: '',
        demonstrate: (_state, noise, random) =>
          random.categorical([1 - noise, noise]) === 0 ? 'up.' : 'what?',
      },
      { random: createRandom(7) },
    );

  it('is walked by its teacher', () => {
    expect(check({})).toEqual([]);
    const forgetful = { turn: 0 };
    const step: Environment<State>['step'] = (state, action, random) => ({
      ...written.step(state, action, random),
      reward: forgetful.turn++ % 2 === 0 ? 0 : 0.25,
    });
    expect(check({ step }).join()).toContain('differs the second time');
  });

  it.each<[string, Partial<Environment<State>>, string]>([
    ['no stop', { text: { ...written.text!, stops: [] } }, 'text.stops needs at least one stop'],
    ['an empty stop', { text: { ...written.text!, stops: [''] } }, 'text.stops needs at least one stop'],
    ['no tokens', { text: { ...written.text!, maxActionTokens: 0 } }, 'text.maxActionTokens is 0'],
    ['both kinds of actions', { actions: () => ['up.'] }, 'lists actions and has free text'],
    [
      'a refusal',
      {
        step: (state, action, random) => {
          if (action === '') throw new RangeError('say something');
          return written.step(state, action, random);
        },
      },
      'throws instead of being answered',
    ],
  ])('finds %s', (_name, changes, message) => {
    expect(check(changes).join()).toContain(message);
  });
});
