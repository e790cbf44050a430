import type { Task } from '../environment.ts';
import type { Passage } from './retrieval/retriever.ts';

/**
 * A question for a searching agent.
 * @experimental
 */
export interface SearchTask extends Task {
  /** Ids of the passages that hold what has to be known, without repeats; empty if nobody says which. */
  readonly goldPassages: readonly string[];
}

/**
 * One action and what came of it.
 * @experimental
 */
export type SearchTurn =
  | {
      readonly kind: 'search';
      readonly query: string;
      /** What was found, best first. */
      readonly passages: readonly Passage[];
      /** True when the action's form was exactly that of the protocol. */
      readonly isExact: boolean;
    }
  | { readonly kind: 'answer'; readonly answer: string; readonly isExact: boolean }
  | { readonly kind: 'malformed' }
  /** A search where only an answer was left to give: nothing is looked up. */
  | { readonly kind: 'late-search' };

/**
 * How an episode stands: going on, ended by the agent or its fault, or cut short by the limit of turns.
 * @experimental
 */
export type SearchStatus = 'running' | 'terminated' | 'truncated';

/**
 * All that has happened in an episode. An immutable plain value.
 * @experimental
 */
export interface SearchState<T extends SearchTask = SearchTask> {
  readonly task: T;
  readonly turns: readonly SearchTurn[];
  readonly status: SearchStatus;
}

/** The passages of all searches in the order they came, repeats included. */
export function retrieved(state: SearchState): readonly Passage[] {
  return state.turns.flatMap((turn) => (turn.kind === 'search' ? turn.passages : []));
}

/** The answer given, or undefined. */
export function givenAnswer(state: SearchState): string | undefined {
  const last = state.turns.at(-1);
  return last?.kind === 'answer' ? last.answer : undefined;
}

/**
 * True when the episode keeps to the protocol from its start to its end: every action is exactly a thought and
 * a tag, searches found their way to the tool, and an answer ends it.
 */
export function hasValidFormat(state: SearchState): boolean {
  return (
    givenAnswer(state) !== undefined &&
    state.turns.every((turn) => (turn.kind === 'search' || turn.kind === 'answer') && turn.isExact)
  );
}
