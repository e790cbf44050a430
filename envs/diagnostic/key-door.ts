import { z } from 'zod';
import type { Environment, Task } from '../environment.ts';
import type { EnvironmentSpec } from '../spec.ts';
import {
  diagnosticSpec,
  type ExactValues,
  parseOptions,
  requireLegal,
  type StateValue,
  stateValue,
} from './diagnostic.ts';

const ID = 'key-door/v1';

const schema = z
  .strictObject({
    length: z
      .int()
      .min(1)
      .max(20)
      .default(3)
      .describe('Turns in the corridor, none of which matters, between the key and the door.'),
    distractor: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe('Reward of a corridor turn when a fair coin says so, whatever the agent does.'),
  })
  .prefault({});

/** Options of `key-door/v1`. */
export type KeyDoorOptions = z.infer<typeof schema>;

/** Where a key-door episode stands. Turn 0 is at the key, 1 to `length` in the corridor, then at the door. */
export interface KeyDoorState {
  readonly turn: number;
  readonly key: boolean;
}

const AT_KEY = ['take the key', 'leave it'];
const IN_CORRIDOR = ['left wall', 'right wall'];

/**
 * Take the key or leave it, walk along a corridor in which nothing matters, and stand before a door that opens
 * only with the key: reward 1, else 0, paid with the last corridor turn. All credit belongs to the first
 * action; the advantage of every corridor action is exactly 0. With a `distractor` the corridor pays by fair
 * coins, which adds variance `length distractor^2 / 4` to the return and still no credit.
 * @throws InputError when an option is out of range.
 */
export function keyDoor(options: Partial<KeyDoorOptions> = {}): Environment<KeyDoorState> {
  const { length, distractor } = parseOptions(ID, schema, options);
  const actions = ({ turn }: KeyDoorState): readonly string[] =>
    turn === 0 ? AT_KEY : turn <= length ? IN_CORRIDOR : [];
  const observe = ({ turn, key }: KeyDoorState): { text: string } => ({
    text:
      turn === 0
        ? 'a key lies here'
        : `${turn <= length ? `corridor ${turn} of ${length}` : 'door'}, ${key ? 'with the key' : 'no key'}`,
  });
  return {
    id: ID,
    markov: true,
    rewardRange: [0, 1 + length * distractor],
    reset: () => ({ turn: 0, key: false }),
    observe,
    actions,
    step: (state, action, random) => {
      requireLegal(ID, actions(state), action, observe(state).text);
      const turn = state.turn + 1;
      if (state.turn === 0) {
        return {
          state: { turn, key: action === 'take the key' },
          reward: 0,
          terminated: false,
          truncated: false,
        };
      }
      // Without a distractor no coin is thrown, so that there is nothing to enumerate.
      const noise = distractor > 0 && random.categorical([0.5, 0.5]) === 0 ? distractor : 0;
      const terminated = turn > length;
      return {
        state: { turn, key: state.key },
        reward: noise + (terminated && state.key ? 1 : 0),
        terminated,
        truncated: false,
      };
    },
    answer: ({ turn, key }) => (turn <= length ? undefined : key ? 'open' : 'shut'),
    answerKind: 'labels',
    key: ({ turn, key }) => `${turn} ${key ? 'key' : 'none'}`,
  };
}

/** Its only question. */
export const KEY_DOOR_TASK: Task = {
  id: 'key-door',
  question: 'How do you leave the door at the end of the corridor?',
  answers: ['open'],
  kind: 'diagnostic',
  hops: 2,
};

/**
 * Values in closed form of any policy, of which only `take` = P(take the key) matters. With d corridor turns
 * ahead V = key + d distractor / 2 whatever the action, and J = take + length distractor / 2.
 * dJ / d logit of taking the key = take (1 - take); all other derivatives are 0.
 */
export function keyDoorValues(options: Partial<KeyDoorOptions>, take: number): ExactValues {
  const { length, distractor } = parseOptions(ID, schema, options);
  const noise = (turnsAhead: number): number => (turnsAhead * distractor) / 2;
  const values = new Map<string, StateValue>([
    [
      '0 none',
      stateValue([
        { action: 'take the key', probability: take, value: 1 + noise(length) },
        { action: 'leave it', probability: 1 - take, value: noise(length) },
      ]),
    ],
  ]);
  for (let turn = 1; turn <= length; turn++) {
    for (const [label, key] of [
      ['key', 1],
      ['none', 0],
    ] as const) {
      const value = key + noise(length + 1 - turn);
      values.set(`${turn} ${label}`, {
        value,
        actions: new Map(IN_CORRIDOR.map((action) => [action, value])),
      });
    }
  }
  return values;
}

/** `key-door/v1` for the registry. */
export const keyDoorSpec: EnvironmentSpec<KeyDoorOptions> = diagnosticSpec({
  id: ID,
  title: 'take a key, cross a long corridor where nothing matters, open the door: credit far from its reward',
  schema,
  create: (options) => ({ environment: keyDoor(options), task: KEY_DOOR_TASK }),
});
