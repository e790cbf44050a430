import { InputError } from '../../core/errors.ts';
import type { Environment, Transition } from '../environment.ts';
import type { Graph } from './graph.ts';
import { type MultihopTask, START_PLACE } from './task.ts';

/** How the walk came to be where it is: by a relation, from the start, by going back; or it has answered. */
type Via = string;

/**
 * Where the walk stands. Holds exactly what the observation and the moves show, so that the observation is
 * Markov. `from` is the node before this one, '' at the start.
 */
export interface MultihopState {
  readonly task: MultihopTask;
  readonly node: string;
  readonly via: Via;
  readonly from: string;
  /** Turns left, 0 to maxTurns. */
  readonly turnsLeft: number;
}

/** Scores an answer against the accepted golds: 0 to 1, the best over the golds. */
export type Score = (prediction: string, golds: readonly string[]) => number;

/** The action that gives the current node's name as the final answer. */
export const ANSWER = 'answer';
/** `via` of a walk that has not moved, */
export const VIA_START = 'start';
/** of one that has gone back, */
export const VIA_BACK = 'back';
/** and of one that has answered. */
const VIA_ANSWER = 'answer';

/**
 * Where 'back' leads: to the node before, and after going back to the question's start place.
 * @returns undefined if the walk cannot go back.
 */
export function backTarget(state: MultihopState): string | undefined {
  const target = state.via === VIA_BACK ? state.task.start : state.from;
  return state.via === VIA_START || target === state.node ? undefined : target;
}

/** The moves along the graph from the walk's place, as relation and target. */
export function movesFrom(
  graph: Graph,
  task: MultihopTask,
  node: string,
): readonly { readonly relation: string; readonly target: string }[] {
  return node === START_PLACE
    ? task.options.map((target) => ({ relation: 'option', target }))
    : graph.edges(node);
}

/**
 * Question answering as a walk over a graph of facts. An action is 'answer', 'back to <node>', or a relation
 * and its target ('capital Paris'). Every action costs a turn; the reward is the score of the node at which
 * the walk answers, and 0 when the turns run out before.
 * @param maxTurns turns per episode, 2 to 20.
 */
export function createMultihop({
  graph,
  maxTurns,
  score,
}: {
  graph: Graph;
  maxTurns: number;
  score: Score;
}): Environment<MultihopState, MultihopTask> {
  return {
    id: 'multihop/v1',
    markov: true,
    rewardRange: [0, 1],
    reset: (task) => ({ task, node: task.start, via: VIA_START, from: '', turnsLeft: maxTurns }),
    observe: ({ task, node, via, from, turnsLeft }) => ({
      text: `${task.question} | at ${node} via ${via}${from === '' ? '' : ` from ${from}`} | ${turnsLeft} turns left`,
    }),
    actions: (state) => legalActions(graph, state),
    step: (state, action) => step(graph, score, state, action),
    score: { name: 'f1', range: [0, 1] },
    answer: (state) => (state.via === VIA_ANSWER ? state.node : undefined),
    key: ({ task, node, via, from, turnsLeft }) => JSON.stringify([task.id, node, via, from, turnsLeft]),
  };
}

/** The legal actions: moves first, then back, then answer. None when the episode has ended. */
export function legalActions(graph: Graph, state: MultihopState): string[] {
  if (hasEnded(state)) return [];
  const actions = movesFrom(graph, state.task, state.node).map(
    ({ relation, target }) => `${relation} ${target}`,
  );
  const back = backTarget(state);
  if (back !== undefined) actions.push(`back to ${back}`);
  // The start place of a comparison is no entity that could be an answer.
  if (state.node !== START_PLACE) actions.push(ANSWER);
  return actions;
}

function hasEnded({ via, turnsLeft }: MultihopState): boolean {
  return via === VIA_ANSWER || turnsLeft === 0;
}

function step(graph: Graph, score: Score, state: MultihopState, action: string): Transition<MultihopState> {
  if (hasEnded(state)) throw new InputError('multihop/v1: step after the end of the episode');
  const turnsLeft = state.turnsLeft - 1;
  if (action === ANSWER && state.node !== START_PLACE) {
    return {
      state: { ...state, via: VIA_ANSWER, turnsLeft },
      reward: score(state.node, state.task.answers),
      terminated: true,
      truncated: false,
    };
  }
  const moved = (target: string, via: Via): Transition<MultihopState> => ({
    state: { task: state.task, node: target, via, from: state.node, turnsLeft },
    reward: 0,
    terminated: false,
    truncated: turnsLeft === 0,
  });
  const back = backTarget(state);
  if (back !== undefined && action === `back to ${back}`) return moved(back, VIA_BACK);
  const edge = movesFrom(graph, state.task, state.node).find(
    ({ relation, target }) => action === `${relation} ${target}`,
  );
  if (edge === undefined) {
    throw new InputError(
      `multihop/v1: action '${action}' is not legal at ${state.node}; legal: ${legalActions(graph, state).join(', ')}`,
    );
  }
  return moved(edge.target, edge.relation);
}
