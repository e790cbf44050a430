import { createRandom } from '../../core/random.ts';
import type { Environment, LoadedEnvironment } from '../environment.ts';
import type { MultihopState, Score } from './environment.ts';
import type { MultihopTask } from './task.ts';

/** Mean F1 and exact match over a split, 0 to 1. */
interface BaselineScore {
  readonly f1: number;
  readonly em: number;
}

/** What can be had without learning, and what is possible at most. */
export interface Baselines {
  /** Answering the most frequent train answer of the question's template, without walking. */
  readonly prior: BaselineScore;
  /** Choosing evenly among the legal actions until the end: the exact expectation, not a sample. */
  readonly random: BaselineScore;
  /** The teacher without mistakes. */
  readonly oracle: BaselineScore;
}

/**
 * Scores the baselines on one split.
 * @param loaded the environment from `loadMultihop`.
 * @param score the F1 that the environment was loaded with; 1 counts as an exact match.
 */
export function baselines(
  loaded: LoadedEnvironment<MultihopState, MultihopTask>,
  split: 'train' | 'dev' | 'test',
  score: Score,
): Baselines {
  const tasks = loaded.tasks[split];
  const guess = priorGuess(loaded.tasks.train);
  const mean = (scoreOf: (task: MultihopTask) => BaselineScore): BaselineScore => {
    const scores = tasks.map(scoreOf);
    return {
      f1: scores.reduce((sum, { f1 }) => sum + f1, 0) / scores.length,
      em: scores.reduce((sum, { em }) => sum + em, 0) / scores.length,
    };
  };
  const certain = (f1: number): BaselineScore => ({ f1, em: f1 === 1 ? 1 : 0 });
  return {
    prior: mean((task) => certain(score(guess(task), task.answers))),
    random: mean((task) => randomWalkValue(loaded.environment, task)),
    oracle: mean((task) => certain(oracleReturn(loaded, task))),
  };
}

/** The most frequent answer of the template among `train`, of the kind where the template is not there. */
function priorGuess(train: readonly MultihopTask[]): (task: MultihopTask) => string {
  const counts = new Map<string, Map<string, number>>();
  for (const task of train) {
    for (const group of [task.template, task.kind]) {
      const answers = counts.get(group) ?? new Map<string, number>();
      counts.set(group, answers);
      for (const answer of task.answers) answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  }
  const guesses = new Map(
    [...counts].map(([group, answers]) => [
      group,
      [...answers].reduce((best, next) => (next[1] > best[1] ? next : best))[0],
    ]),
  );
  return (task) => guesses.get(task.template) ?? guesses.get(task.kind) ?? '';
}

/** Expected F1 and EM of the evenly random walk, by dynamic programming over the states it can reach. */
export function randomWalkValue(
  environment: Environment<MultihopState, MultihopTask>,
  task: MultihopTask,
): BaselineScore {
  const known = new Map<string, BaselineScore>();
  const unused = createRandom(0); // the environment is deterministic
  const value = (state: MultihopState): BaselineScore => {
    const key = environment.key!(state);
    const found = known.get(key);
    if (found !== undefined) return found;
    const actions = environment.actions!(state);
    let f1 = 0;
    let em = 0;
    for (const action of actions) {
      const next = environment.step(state, action, unused);
      const later = next.terminated || next.truncated ? { f1: 0, em: 0 } : value(next.state);
      f1 += next.reward + later.f1;
      em += (next.reward === 1 ? 1 : 0) + later.em;
    }
    const result = { f1: f1 / actions.length, em: em / actions.length };
    known.set(key, result);
    return result;
  };
  return value(environment.reset(task));
}

/** The keys of all states that any policy can be in at its turn. */
export function reachableStates(
  environment: Environment<MultihopState, MultihopTask>,
  task: MultihopTask,
): Map<string, MultihopState> {
  const unused = createRandom(0);
  const first = environment.reset(task);
  const states = new Map([[environment.key!(first), first]]);
  // States added during the loop are visited by it: a queue.
  for (const state of states.values()) {
    for (const action of environment.actions!(state)) {
      const next = environment.step(state, action, unused);
      if (!next.terminated && !next.truncated) states.set(environment.key!(next.state), next.state);
    }
  }
  return states;
}

/** What the teacher without mistakes gets for a question: the score of its answer. */
export function oracleReturn(
  loaded: LoadedEnvironment<MultihopState, MultihopTask>,
  task: MultihopTask,
): number {
  const unused = createRandom(0);
  let state = loaded.environment.reset(task);
  for (;;) {
    const next = loaded.environment.step(state, loaded.demonstrate!(state, 0, unused), unused);
    if (next.terminated || next.truncated) return next.reward;
    state = next.state;
  }
}
