import type { Random } from '../../core/random.ts';
import { ANSWER, backTarget, legalActions, type MultihopState, movesFrom } from './environment.ts';
import type { Graph } from './graph.ts';
import { type MultihopTask, START_PLACE } from './task.ts';

/** The scripted teacher: what to do next, and how far it is to an answer. */
export interface Teacher {
  /**
   * The next action on a shortest way to an accepted node, the first in the order of the moves where there
   * are several. With probability `noise` (0 to 1) an evenly drawn legal action instead.
   */
  act(state: MultihopState, noise: number, random: Random): string;
  /** Turns that the shortest way to a right answer takes from here, answering included. */
  turnsNeeded(state: MultihopState): number;
}

/** Tasks whose distances are kept, at most. Keeping them saves time and changes nothing. */
const KEPT_TASKS = 512;

/** The teacher for walks over `graph`. */
export function createTeacher(graph: Graph): Teacher {
  const kept = new Map<string, ReadonlyMap<string, number>>();
  const distances = (task: MultihopTask): ReadonlyMap<string, number> => {
    const key = task.answers.join('\n');
    const known = kept.get(key);
    if (known !== undefined) return known;
    if (kept.size >= KEPT_TASKS) kept.clear();
    const computed = graph.distancesTo(task.answers);
    kept.set(key, computed);
    return computed;
  };
  const forward = (task: MultihopTask, node: string): number =>
    node === START_PLACE
      ? 1 + Math.min(...task.options.map((option) => forward(task, option)))
      : (distances(task).get(node) ?? Number.POSITIVE_INFINITY);
  // Moving on only to come back gains nothing, so a shortest way goes back first (twice at most), then on.
  const moves = (state: MultihopState): number => Math.min(forward(state.task, state.node), movesBack(state));
  const movesBack = (state: MultihopState): number => {
    const back = backTarget(state);
    if (back === undefined) return Number.POSITIVE_INFINITY;
    const { task } = state;
    const again = back === task.start ? Number.POSITIVE_INFINITY : 2 + forward(task, task.start);
    return Math.min(1 + forward(task, back), again);
  };
  const best = (state: MultihopState): string => {
    const { task, node } = state;
    const needed = forward(task, node);
    if (needed === 0) return ANSWER;
    if (movesBack(state) < needed) return `back to ${backTarget(state)}`;
    const edge = movesFrom(graph, task, node).find(({ target }) => forward(task, target) === needed - 1);
    if (edge === undefined) throw new Error(`no way from ${node} to an answer of ${task.id}`);
    return `${edge.relation} ${edge.target}`;
  };
  return {
    turnsNeeded: (state) => moves(state) + 1,
    act: (state, noise, random) => {
      // With no noise nothing is drawn.
      if (noise > 0 && random.categorical([1 - noise, noise]) === 1) {
        const actions = legalActions(graph, state);
        return actions[random.integer(actions.length)]!;
      }
      return best(state);
    },
  };
}
