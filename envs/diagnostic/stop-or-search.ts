import { z } from 'zod';
import type { Environment, Task } from '../environment.ts';
import type { EnvironmentSpec } from '../spec.ts';
import { diagnosticSpec, type ExactValues, requireLegal, stateValue } from './diagnostic.ts';

const ID = 'stop-or-search/v1';
const STOP_REWARD = 0.3;

/** Where a stop-or-search episode stands; `answer` holds what was taken at the end, '' before. */
export interface StopOrSearchState {
  readonly at: 'start' | 'found' | 'end';
  readonly answer: string;
}

const ACTIONS = { start: ['stop', 'search'], found: ['A', 'B'], end: [] } as const;

/**
 * Two turns, the smallest environment in which credit can go to the wrong step: stop for a sure 0.3, or search
 * and then choose between A (return 1) and B (return 0).
 * @param searchReward paid for searching; 0 makes the reward outcome-only.
 */
export function stopOrSearch(searchReward = 0): Environment<StopOrSearchState> {
  return {
    id: ID,
    markov: true,
    rewardRange: [Math.min(STOP_REWARD, searchReward), Math.max(STOP_REWARD, searchReward + 1)],
    reset: () => ({ at: 'start', answer: '' }),
    observe: (state) => ({ text: state.at }),
    actions: (state) => ACTIONS[state.at],
    step: (state, action) => {
      requireLegal(ID, ACTIONS[state.at], action, state.at);
      if (action === 'search') {
        return {
          state: { at: 'found', answer: '' },
          reward: searchReward,
          terminated: false,
          truncated: false,
        };
      }
      const reward = action === 'stop' ? STOP_REWARD : action === 'A' ? 1 : 0;
      return { state: { at: 'end', answer: action }, reward, terminated: true, truncated: false };
    },
    answer: (state) => (state.at === 'end' ? state.answer : undefined),
    answerKind: 'labels',
    key: (state) => state.at,
  };
}

/** Its only question. */
export const STOP_OR_SEARCH_TASK: Task = {
  id: 'stop-or-search',
  question: 'Stop for 0.3, or search and choose?',
  answers: ['A'],
  kind: 'diagnostic',
  hops: 1,
};

/**
 * The policy at which the biases of estimators are quoted: logit 0.4 for 'search', -0.6 for 'A', 0 for the
 * other action of each state. Fits a tabular policy as it is: `createTabularPolicy(STOP_OR_SEARCH_LOGITS)`.
 */
export const STOP_OR_SEARCH_LOGITS = {
  search: 0.4,
  A: -0.6,
  /** Starting logit of the action with that index in `actions`, 0 for any other prompt. */
  initial: ({ text }: { readonly text: string }, action: number): number =>
    text === 'start' && action === 1 ? 0.4 : text === 'found' && action === 0 ? -0.6 : 0,
};

/** What `stopOrSearchExact` answers. */
interface StopOrSearchExact {
  /** J, the expected return. */
  readonly expectedReturn: number;
  readonly values: ExactValues;
  /** dJ / d logit of 'search' and of 'A'. That of 'stop' and of 'B' is its negative. */
  readonly gradient: { readonly search: number; readonly A: number };
}

/**
 * Values and gradient in closed form, with p = P(search), q = P(A) and r = searchReward:
 * V(found) = q, Q(search) = r + q, J = (1 - p) 0.3 + p (r + q),
 * dJ/d search = p (1 - p) (r + q - 0.3), dJ/dA = p q (1 - q).
 * At the default logits and r = 0: J = 0.3325348989, gradient (0.0130566564, 0.1369703016).
 */
export function stopOrSearchExact(
  searchReward = 0,
  logits: { readonly search: number; readonly A: number } = STOP_OR_SEARCH_LOGITS,
): StopOrSearchExact {
  const p = 1 / (1 + Math.exp(-logits.search));
  const q = 1 / (1 + Math.exp(-logits.A));
  const found = stateValue([
    { action: 'A', probability: q, value: 1 },
    { action: 'B', probability: 1 - q, value: 0 },
  ]);
  const searched = searchReward + found.value;
  const start = stateValue([
    { action: 'stop', probability: 1 - p, value: STOP_REWARD },
    { action: 'search', probability: p, value: searched },
  ]);
  return {
    expectedReturn: start.value,
    values: new Map([
      ['start', start],
      ['found', found],
    ]),
    gradient: { search: p * (1 - p) * (searched - STOP_REWARD), A: p * q * (1 - q) },
  };
}

const schema = z
  .strictObject({
    searchReward: z
      .number()
      .min(-1)
      .max(1)
      .default(0)
      .describe('Paid for searching; 0: the outcome is the only reward.'),
  })
  .prefault({});

/** `stop-or-search/v1` for the registry. */
export const stopOrSearchSpec: EnvironmentSpec<z.infer<typeof schema>> = diagnosticSpec({
  id: ID,
  title: 'stop for a sure reward, or search and choose: the smallest credit-assignment problem',
  schema,
  create: ({ searchReward }) => ({ environment: stopOrSearch(searchReward), task: STOP_OR_SEARCH_TASK }),
});
