import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { Environment, Transition } from '../../envs/environment.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { solve } from '../audit/oracle.ts';
import { greedyOutcomes } from '../criticality/outcomes.ts';
import { rollout } from './engine.ts';
import { MOST_ACTIONS, takeStep } from './step.ts';

const task = { id: 'q', question: 'where to?', answers: [], kind: 'k', hops: 0 };

/** Two steps to the end, but for what is changed. */
const world = (change: (state: number) => object): Environment<number> => ({
  id: 'world/v1',
  markov: true,
  rewardRange: [0, 1],
  reset: () => 0,
  observe: (state) => ({ text: `room ${state}` }),
  actions: () => ['on', 'back'],
  step: (state) =>
    ({
      ...{ state: state + 1, reward: 0, terminated: state === 1, truncated: false },
      ...change(state),
    }) as Transition<number>,
  key: (state) => `${state}`,
});

const grow = (environment: Environment<number>) =>
  rollout({
    environment,
    policy: createTabularPolicy(),
    plan: ({ edges }) => (edges.length === 0 ? [{ node: 0 }] : []),
    tasks: [task],
    random: createRandom(0),
    sampling: { temperature: 1 },
  });

describe('steps of an environment that is not what it declares', () => {
  it('an episode that never ends is stopped, and named', async () => {
    let last = 0;
    const endless = world((state) => {
      last = Math.max(last, state);
      return { terminated: false };
    });
    const message = `world/v1: an episode of question 'q' has not ended after ${MOST_ACTIONS} actions`;
    await expect(grow(endless)).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringContaining(message),
    });
    expect(last).toBe(MOST_ACTIONS - 1);
    await expect(
      greedyOutcomes({
        environment: endless as Parameters<typeof greedyOutcomes>[0]['environment'],
        policy: createTabularPolicy(),
        states: [0],
        sampling: { temperature: 1 },
      }),
    ).rejects.toThrow(`world/v1: an episode has not ended after ${MOST_ACTIONS} actions`);
  });

  it('an episode of as many actions is whole', async () => {
    const [tree] = await grow(world((state) => ({ terminated: state === MOST_ACTIONS - 1 })));
    expect(tree!.edges).toHaveLength(MOST_ACTIONS);
  });

  it.each([
    ['NaN', { reward: Number.NaN }, 'the reward is NaN; valid: a number, returns in rewardRange [0, 1]'],
    ['a text', { reward: '1' }, 'the reward is 1; valid: a number'],
    ['nothing', { reward: undefined }, 'the reward is undefined'],
    ['both ends', { terminated: true, truncated: true }, 'both terminated and truncated'],
    ['an end that is no fact', { terminated: undefined }, 'terminated is undefined; valid: true or false'],
  ])('%s is refused, with the state and the action', async (_, change, message) => {
    const work = grow(world((state) => (state === 1 ? change : {})));
    await expect(work).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringMatching(
        /^world\/v1: question 'q', action "(on|back)" at "room 1": /,
      ) as unknown as string,
    });
    await expect(work).rejects.toThrow(message);
  });

  it('a step that gives nothing is refused', () => {
    const environment = { ...world(() => ({})), step: () => undefined as never };
    expect(() => takeStep(environment, 0, 'on', createRandom(0))).toThrow(
      'world/v1: action "on" at "room 0": step gives no transition; valid: { state, reward, terminated, truncated }',
    );
  });

  it('a return outside the declared range is refused; one of several rewards may be outside', async () => {
    const paying = (rewards: readonly number[]) => world((state) => ({ reward: rewards[state] }));
    await expect(grow(paying([0.75, 0.75]))).rejects.toThrow(
      /at "room 1": the reward 0.75 makes the episode's return 1.5, outside rewardRange \[0, 1\]/,
    );
    await expect(grow(paying([0, -0.1]))).rejects.toThrow('return -0.1, outside rewardRange [0, 1]');
    const [tree] = await grow(paying([2, -1]));
    expect(tree!.nodes.at(-1)!.return).toBe(1);
    // Ten times 0.1 and the like: rounding is no fault.
    await grow(paying([1, 1e-12]));
  });

  it('exact values refuse them, too', async () => {
    const request = { task, policy: createTabularPolicy(), sampling: { temperature: 1 } };
    const environment = world(() => ({ reward: Number.NaN }));
    await expect(solve({ ...request, environment })).rejects.toThrow('the reward is NaN');
    const { key: _, ...keyless } = world(() => ({}));
    await expect(solve({ ...request, environment: keyless })).rejects.toMatchObject({
      name: 'InputError',
      message: 'world/v1: exact values need actions() and key(), and it has no key',
    });
  });
});
