import { createHash } from 'node:crypto';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import type { Random } from '../../core/random.ts';
import { mean, variance } from '../../core/statistics.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import type { Policy, Sampling } from '../../policies/policy.ts';
import { type Oracle, solve } from '../audit/oracle.ts';
import { type Beginning, continueEpisodes } from '../rollout/continue.ts';
import type { CreditedChoice, SampledChoice } from './grow.ts';

/** The true advantage of an action: the expected return after it minus that of the state, under the policy. */
export interface TrueAdvantage {
  /** Exact, or an unbiased estimate. */
  readonly value: number;
  /** Ends of its 95 % interval; the value itself where it is exact. */
  readonly low: number;
  readonly high: number;
  /** Names of the question's action in its state, and of the state: equal names have the same rollouts behind them. */
  readonly choice: string;
  readonly state: string;
  /** Unbiased estimates of the variances of the action's value and of the state's; 0 where they are exact. */
  readonly choiceNoise: number;
  readonly stateNoise: number;
}

/** Where true advantages come from. */
export interface Truth {
  /** 'exact', or the number of rollouts per state and per action. */
  readonly kind: 'exact' | number;
  /** The advantages of actions of one question, in their order. */
  advantages(task: Task, choices: readonly SampledChoice[]): Promise<readonly TrueAdvantage[]>;
  /** What the credit of a question's actions would do to its policy. Only an exact truth can tell. */
  gradient?(task: Task, choices: readonly CreditedChoice[]): Promise<GradientSums>;
  /** Tokens drawn for it so far. */
  tokens(): number;
}

/**
 * Products of two gradients with respect to a table of logits, one per state and action: that which a question's credit makes
 * (the sum over its actions of credit times the gradient of their log-probability), and that of the exact expected return.
 */
export interface GradientSums {
  readonly ownSquares: number;
  readonly trueSquares: number;
  readonly product: number;
}

interface TruthSetup {
  readonly environment: AnyEnvironment;
  readonly policy: Policy;
  readonly sampling: Sampling;
  readonly signal?: AbortSignal;
}

/** Whether exact advantages can be had: states that can be enumerated, and all that matters is in what the policy reads. */
export const canBeExact = ({ markov, actions, key }: AnyEnvironment): boolean =>
  markov && actions !== undefined && key !== undefined;

/** Advantages of at most this are rounding. */
const ROUNDING = 1e-9;

/** Exact advantages by dynamic programming, question by question. */
export function exactTruth(setup: TruthSetup): Truth {
  const { environment } = setup;
  const solved = new Map<string, Oracle>();
  const oracleOf = async (task: Task): Promise<Oracle> => {
    const oracle = solved.get(task.id) ?? (await solve({ ...setup, task }));
    solved.set(task.id, oracle);
    return oracle;
  };
  return {
    kind: 'exact',
    tokens: () => 0,
    gradient: async (task, choices) => gradientSums(await oracleOf(task), choices, environment.key!),
    advantages: async (task, choices) => {
      const oracle = await oracleOf(task);
      return choices.map(({ state, prompt, action }) => {
        const key = environment.key!(state);
        const { value, actionValues } = oracle.states.get(key)!;
        const advantage = actionValues[prompt.actions!.indexOf(action)]! - value;
        const exact = Math.abs(advantage) <= ROUNDING ? 0 : advantage;
        return {
          ...{ value: exact, low: exact, high: exact, choiceNoise: 0, stateNoise: 0 },
          ...{ state: key, choice: JSON.stringify([key, action]) },
        };
      });
    },
  };
}

function gradientSums(
  { states }: Oracle,
  choices: readonly CreditedChoice[],
  keyOf: (state: unknown) => string,
): GradientSums {
  const credits = new Map<string, Float64Array>();
  for (const { state, prompt, action, credit, weight } of choices) {
    if (credit === 0) continue;
    const key = keyOf(state);
    const own = credits.get(key) ?? new Float64Array(prompt.actions!.length);
    own[prompt.actions!.indexOf(action)]! += weight * credit;
    credits.set(key, own);
  }
  const sums = { ownSquares: 0, trueSquares: 0, product: 0 };
  for (const [key, { visits, probabilities, value, actionValues }] of states) {
    const own = credits.get(key);
    const total = own?.reduce((sum, credit) => sum + credit, 0) ?? 0;
    for (const [action, probability] of probabilities.entries()) {
      const exact = visits * probability * (actionValues[action]! - value);
      const made = own === undefined ? 0 : own[action]! - probability * total;
      sums.trueSquares += exact ** 2;
      sums.ownSquares += made ** 2;
      sums.product += made * exact;
    }
  }
  return sums;
}

/** Episodes that are played at the same time, at most. */
const AT_ONCE = 2048;

/**
 * Advantages by rollouts of the policy that no method sees: as many from every state, and as many after every action, the
 * environment's step drawn anew in each. Their random numbers are named by state and action, so that they are the same
 * whatever else is measured; equal states and actions of a question are played once.
 */
export function sampledTruth(rollouts: number, random: Random, setup: TruthSetup): Truth {
  const known = new Map<string, readonly number[]>();
  let tokens = 0;
  return {
    kind: rollouts,
    tokens: () => tokens,
    advantages: async (task, choices) => {
      const places = choices.map((choice) => {
        const state = stateName(setup.environment, choice);
        return { ...choice, stateName: state, choiceName: JSON.stringify([state, ...choice.tokens]) };
      });
      const missing = new Map<string, Omit<Beginning, 'random'>>();
      for (const { stateName, choiceName, state, prompt, action, tokens } of places) {
        const start = { question: task.id, state, prompt };
        missing.set(`${task.id} ${stateName}`, start);
        missing.set(`${task.id} ${choiceName}`, { ...start, action: { text: action, tokens } });
      }
      for (const name of known.keys()) missing.delete(name);
      const beginnings = [...missing].flatMap(([name, start]) => {
        const stream = random.split(name);
        return Array.from({ length: rollouts }, (_, index) => ({ ...start, random: stream.split(index) }));
      });
      const returns: number[] = [];
      for (let from = 0; from < beginnings.length; from += AT_ONCE) {
        const played = await continueEpisodes({
          ...setup,
          beginnings: beginnings.slice(from, from + AT_ONCE),
        });
        for (const one of played) {
          returns.push(one.return);
          tokens += one.tokens;
        }
      }
      for (const [index, name] of [...missing.keys()].entries()) {
        known.set(name, returns.slice(index * rollouts, (index + 1) * rollouts));
      }
      const [low, high] = setup.environment.rewardRange;
      return places.map(({ stateName, choiceName, before }) =>
        sampledAdvantage(
          { name: choiceName, returns: known.get(`${task.id} ${choiceName}`)! },
          { name: stateName, returns: known.get(`${task.id} ${stateName}`)! },
          [low - before, high - before],
        ),
      );
    },
  };
}

/** What decides the future of a state: its key; or all that the policy has read, the question being the same. */
function stateName({ markov, key }: AnyEnvironment, { state, prompt }: SampledChoice): string {
  if (markov && key !== undefined) return key(state);
  if (prompt.tokens === undefined) return prompt.text;
  const { buffer, byteOffset, byteLength } = prompt.tokens;
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('base64');
}

interface Returns {
  readonly name: string;
  readonly returns: readonly number[];
}

/** The advantage by the mean returns after an action and from its state. */
export function sampledAdvantage(
  choice: Returns,
  state: Returns,
  range: readonly [low: number, high: number],
): TrueAdvantage {
  const rollouts = choice.returns.length;
  const [after, from] = [withEnds(choice.returns, range), withEnds(state.returns, range)];
  const half = tQuantile(0.975, 2 * (rollouts - 1)) * Math.sqrt(after.error + from.error);
  return {
    value: mean(choice.returns) - mean(state.returns),
    low: after.mean - from.mean - half,
    high: after.mean - from.mean + half,
    choice: choice.name,
    state: state.name,
    choiceNoise: variance(choice.returns) / rollouts,
    stateNoise: variance(state.returns) / rollouts,
  };
}

/**
 * Mean and squared standard error with one return more at either end of their range. With returns of 0 and 1 the interval
 * of a difference of such means is Agresti and Caffo's (2000), which covers what it should although rare returns may not
 * have been met at all; other returns in the range vary less.
 */
function withEnds(returns: readonly number[], [low, high]: readonly [number, number]) {
  const longer = [...returns, low, high];
  return { mean: mean(longer), error: variance(longer, 'population') / longer.length };
}
