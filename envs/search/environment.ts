import { InputError } from '../../core/errors.ts';
import type { Environment, EpisodeMetric, Transition } from '../environment.ts';
import { createLookup } from './lookup.ts';
import {
  ANSWERING,
  CLOSING,
  information,
  malformedMessage,
  type PromptStyle,
  parseAction,
  promptOf,
  STOPS,
} from './protocol.ts';
import type { Retriever } from './retrieval/retriever.ts';
import { type AnswerScorer, type RewardRule, rewardOf } from './reward.ts';
import {
  givenAnswer,
  hasValidFormat,
  retrieved,
  type SearchState,
  type SearchStatus,
  type SearchTask,
  type SearchTurn,
} from './task.ts';

/**
 * What `search/v1` is made of.
 * @experimental
 */
export interface SearchSettings {
  readonly retriever: Retriever;
  /** Passages per search, at least 1. */
  readonly topK: number;
  /** Turns in which a search is answered, 1 to 20; malformed actions use them up too. */
  readonly maxTurns: number;
  /** Tokens per action, at least 1. */
  readonly maxActionTokens: number;
  /** Tokens of an observation before its closing, at least 1. */
  readonly maxObservationTokens: number;
  readonly prompt: PromptStyle;
  /** A malformed action is told so and costs a turn, or ends the episode. */
  readonly malformed: 'message' | 'end';
  /** After the last turn: one more action that can only answer, or the end at once. */
  readonly atLimit: 'answer' | 'truncate';
  readonly reward: RewardRule;
  readonly score: AnswerScorer;
}

/** What `step` reads of the settings. */
type Rules = Pick<SearchSettings, 'maxTurns' | 'malformed' | 'atLimit' | 'reward' | 'score'>;

/**
 * `search/v1` over one corpus. See README.md for the protocol.
 * @experimental
 */
export function createSearch<T extends SearchTask = SearchTask>(
  settings: SearchSettings,
): Environment<SearchState<T>, T> {
  const { prompt, maxActionTokens, maxObservationTokens, maxTurns } = settings;
  const lookup = createLookup(settings.retriever, settings.topK);
  return {
    id: 'search/v1',
    markov: false,
    rewardRange: [0, 1],
    text: { stops: STOPS, maxActionTokens, maxObservationTokens, answering: ANSWERING },
    reset: (task) => ({ task, turns: [], status: 'running' }),
    observe: ({ task, turns }) => {
      const last = turns.at(-1);
      if (last === undefined) return { text: promptOf(prompt, task.question) };
      if (last.kind === 'search') return { text: information(last.passages), closing: CLOSING };
      // After an answer or a search that came too late the episode has ended and there is nothing to read.
      return { text: last.kind === 'malformed' ? malformedMessage(prompt) : '' };
    },
    step: (state, action) => {
      if (state.status !== 'running') throw new InputError('search/v1: step after the end of the episode');
      return transition(settings, state, turnOf(state, action, maxTurns, lookup.find));
    },
    prepare: (calls, signal) =>
      lookup.fetch(
        calls.flatMap(({ state, action }) => neededQuery(state, action, maxTurns) ?? []),
        signal,
      ),
    score: { name: 'f1', range: [0, 1] },
    answer: givenAnswer,
    called: ({ turns }) => turns.at(-1)?.kind === 'search',
    milestones: (state) => goldFound(state),
    metrics: SEARCH_METRICS,
  };
}

/** The query that `step` would look up, or undefined. */
function neededQuery(state: SearchState, action: string, maxTurns: number): string | undefined {
  if (state.status !== 'running' || state.turns.length >= maxTurns) return undefined;
  const parsed = parseAction(action);
  return parsed.kind === 'search' ? parsed.query : undefined;
}

function turnOf(
  state: SearchState,
  action: string,
  maxTurns: number,
  find: ReturnType<typeof createLookup>['find'],
): SearchTurn {
  const parsed = parseAction(action);
  if (parsed.kind !== 'search') return parsed;
  if (state.turns.length >= maxTurns) return { kind: 'late-search' };
  return { ...parsed, passages: find(parsed.query) };
}

function transition<T extends SearchTask>(
  rules: Rules,
  before: SearchState<T>,
  turn: SearchTurn,
): Transition<SearchState<T>> {
  const turns = [...before.turns, turn];
  const status = statusAfter(rules, turn, turns.length);
  const state: SearchState<T> = { task: before.task, turns, status };
  return {
    state,
    reward: status === 'running' ? 0 : rewardOf(rules.reward, state, rules.score),
    terminated: status === 'terminated',
    truncated: status === 'truncated',
  };
}

function statusAfter({ maxTurns, malformed, atLimit }: Rules, turn: SearchTurn, count: number): SearchStatus {
  if (turn.kind === 'answer' || (turn.kind === 'malformed' && malformed === 'end')) return 'terminated';
  const limit = atLimit === 'answer' ? maxTurns + 1 : maxTurns;
  return count >= limit ? 'truncated' : 'running';
}

/** Gold passages that were retrieved; undefined if nobody says which they are. */
function goldFound(state: SearchState): number | undefined {
  const gold = state.task.goldPassages;
  if (gold.length === 0) return undefined;
  const ids = new Set(retrieved(state).map(({ id }) => id));
  return gold.filter((id) => ids.has(id)).length;
}

const turnsOf = (state: SearchState, of: SearchTurn['kind']): number =>
  state.turns.filter(({ kind }) => kind === of).length;

/** What `search/v1` counts in every episode. */
export const SEARCH_METRICS: readonly EpisodeMetric<SearchState>[] = [
  {
    name: 'tool_calls',
    unit: 'calls',
    description: 'searches per trajectory',
    of: (state) => turnsOf(state, 'search'),
  },
  {
    name: 'malformed_actions',
    unit: 'actions',
    description: 'actions without a valid tag per trajectory',
    of: (state) => turnsOf(state, 'malformed'),
  },
  {
    name: 'gold_recall',
    unit: '0..1',
    description: 'share of the gold passages that were retrieved, whether or not the observation was cut',
    of: (state) => {
      const found = goldFound(state);
      return found === undefined ? null : found / state.task.goldPassages.length;
    },
  },
  {
    name: 'answered',
    unit: '0..1',
    description: 'trajectories that end with an answer',
    of: (state) => (givenAnswer(state) === undefined ? 0 : 1),
  },
  {
    name: 'valid_format',
    unit: '0..1',
    description: 'trajectories that keep to the format throughout',
    of: (state) => (hasValidFormat(state) ? 1 : 0),
  },
];
