import { z } from 'zod';
import type { Random } from '../../core/random.ts';
import type { Environment, Task, Transition } from '../environment.ts';
import type { EnvironmentSpec } from '../spec.ts';
import {
  diagnosticSpec,
  type ExactValues,
  parseOptions,
  requireLegal,
  type StateValue,
  stateValue,
} from './diagnostic.ts';

const ID = 'noisy-tool/v1';
/** Chance that a guess is right: one of four choices. */
const GUESS = 0.25;

const schema = z
  .strictObject({
    turns: z
      .int()
      .min(1)
      .max(20)
      .default(2)
      .describe('Turns until the episode is cut short: truncated, reward 0.'),
    success: z.number().min(0).max(1).default(0.7).describe('Chance that a call of the tool succeeds.'),
  })
  .prefault({});

/** Options of `noisy-tool/v1`. */
export type NoisyToolOptions = z.infer<typeof schema>;

/** Where a noisy-tool episode stands; `answer` is '' until one is given. */
export interface NoisyToolState {
  readonly turnsLeft: number;
  /** True when a call of the tool has succeeded. */
  readonly result: boolean;
  readonly answer: '' | 'right' | 'wrong';
}

const WITHOUT_RESULT = ['call', 'guess'];
const WITH_RESULT = ['answer', 'guess'];

/**
 * Stochastic transitions: call a tool that fails at times, then answer with its result (reward 1), or guess
 * (right, reward 1, one time in four) rather than run out of turns (truncated, reward 0). Every action takes a
 * turn, so a call on the last turn is lost even when it succeeds.
 * @throws InputError when an option is out of range.
 */
export function noisyTool(options: Partial<NoisyToolOptions> = {}): Environment<NoisyToolState> {
  const { turns, success } = parseOptions(ID, schema, options);
  return {
    id: ID,
    markov: true,
    rewardRange: [0, 1],
    reset: () => ({ turnsLeft: turns, result: false, answer: '' }),
    observe: (state) => ({ text: describe(state) }),
    actions: legalActions,
    step: (state, action, random) => step(success, state, action, random),
    answer: ({ answer }) => (answer === '' ? undefined : answer),
    answerKind: 'labels',
    key: (state) => (legalActions(state).length === 0 ? 'end' : describe(state)),
  };
}

function describe({ turnsLeft, result, answer }: NoisyToolState): string {
  return answer === '' ? `${turnsLeft} turns left, ${result ? 'result' : 'no result'}` : answer;
}

function legalActions({ turnsLeft, result, answer }: NoisyToolState): readonly string[] {
  return answer !== '' || turnsLeft === 0 ? [] : result ? WITH_RESULT : WITHOUT_RESULT;
}

function step(
  success: number,
  state: NoisyToolState,
  action: string,
  random: Random,
): Transition<NoisyToolState> {
  requireLegal(ID, legalActions(state), action, describe(state));
  const turnsLeft = state.turnsLeft - 1;
  if (action === 'call') {
    const result = random.categorical([success, 1 - success]) === 0;
    return {
      state: { turnsLeft, result, answer: '' },
      reward: 0,
      terminated: false,
      truncated: turnsLeft === 0,
    };
  }
  const right = action === 'answer' || random.categorical([GUESS, 1 - GUESS]) === 0;
  return {
    state: { turnsLeft, result: state.result, answer: right ? 'right' : 'wrong' },
    reward: right ? 1 : 0,
    terminated: true,
    truncated: false,
  };
}

/** Its only question. */
export const NOISY_TOOL_TASK: Task = {
  id: 'noisy-tool',
  question: 'Call the tool until it has a result and answer with it, or guess?',
  answers: ['right'],
  kind: 'diagnostic',
  hops: 1,
};

/**
 * Values in closed form of the policy that calls with probability c when it has no result and answers with
 * probability a when it has one. With n turns left, success s, a right guess g = 1/4:
 *
 *     with a result     W(n) = a + (1 - a) g =: w           (n >= 1; W(0) = 0, truncated)
 *     without           U(n) = A (1 - B^(n-1)) / (1 - B) + B^(n-1) (1 - c) g
 *                       A = (1 - c) g + c s w,  B = c (1 - s)
 *     actions           Q(n, answer) = 1,  Q(n, guess) = g,  Q(n, call) = s W(n - 1) + (1 - s) U(n - 1)
 *
 * which solves U(n) = A + B U(n - 1) from U(1) = (1 - c) g. At the defaults (2 turns, s = 0.7) and the uniform
 * policy w = 0.625 and J = U(2) = 0.3625. Only states that can be reached are listed.
 */
export function noisyToolValues(
  options: Partial<NoisyToolOptions>,
  { call: c, answer: a }: { readonly call: number; readonly answer: number },
): ExactValues {
  const { turns, success: s } = parseOptions(ID, schema, options);
  const w = a + (1 - a) * GUESS;
  const A = (1 - c) * GUESS + c * s * w;
  const B = c * (1 - s);
  const withResult = (n: number): number => (n === 0 ? 0 : w);
  const without = (n: number): number => {
    if (n === 0) return 0;
    // B = 1 only if every call fails and nothing else is done: then A = 0.
    const sum = B === 1 ? 0 : (A * (1 - B ** (n - 1))) / (1 - B);
    return sum + B ** (n - 1) * (1 - c) * GUESS;
  };
  const values = new Map<string, StateValue>();
  for (let n = turns; n >= 1; n--) {
    const called = s * withResult(n - 1) + (1 - s) * without(n - 1);
    if (n === turns || s < 1) {
      values.set(
        `${n} turns left, no result`,
        stateValue([
          { action: 'call', probability: c, value: called },
          { action: 'guess', probability: 1 - c, value: GUESS },
        ]),
      );
    }
    if (s > 0 && (n === turns - 1 || (n < turns && s < 1))) {
      values.set(
        `${n} turns left, result`,
        stateValue([
          { action: 'answer', probability: a, value: 1 },
          { action: 'guess', probability: 1 - a, value: GUESS },
        ]),
      );
    }
  }
  return values;
}

/** `noisy-tool/v1` for the registry. */
export const noisyToolSpec: EnvironmentSpec<NoisyToolOptions> = diagnosticSpec({
  id: ID,
  title: 'a tool that fails at times and a turn limit: stochastic transitions and truncation',
  schema,
  create: (options) => ({ environment: noisyTool(options), task: NOISY_TOOL_TASK }),
});
