import type { Random } from '../../core/random.ts';
import type { Environment, Task, Transition } from '../environment.ts';

/** P(action index) at a state, by its observation and actions. */
export type Choose = (text: string, actions: readonly string[]) => readonly number[];

/** Every action equally likely. */
export const uniform: Choose = (_, actions) => actions.map(() => 1 / actions.length);

/** All that can come of one step, with its probability: runs it once per outcome of its draws. */
export function outcomes<State>(
  environment: Environment<State>,
  state: State,
  action: string,
): { readonly probability: number; readonly transition: Transition<State> }[] {
  const found: { probability: number; transition: Transition<State> }[] = [];
  const scripts: number[][] = [[]];
  for (let script = scripts.pop(); script !== undefined; script = scripts.pop()) {
    const draws = [...script];
    let probability = 1;
    let at = 0;
    const random: Random = {
      categorical: (probabilities) => {
        if (at === draws.length) {
          for (let other = 1; other < probabilities.length; other++) scripts.push([...draws, other]);
          draws.push(0);
        }
        probability *= probabilities[draws[at]!]!;
        return draws[at++]!;
      },
      integer: (bound) => random.categorical(new Array(bound).fill(1 / bound)),
      uniform: () => {
        throw new Error('not enumerable');
      },
      split: () => random,
    };
    const transition = environment.step(state, action, random);
    if (probability > 0) found.push({ probability, transition });
  }
  return found;
}

/** Expected return from a state by recursion over every trajectory: no keys, no reuse. */
export function bruteValue<State>(
  environment: Environment<State>,
  state: State,
  choose: Choose,
): { readonly value: number; readonly actions: ReadonlyMap<string, number> } {
  const actions = environment.actions!(state);
  const probabilities = choose(environment.observe(state).text, actions);
  const values = actions.map((action) =>
    outcomes(environment, state, action).reduce((sum, { probability, transition }) => {
      const { reward, terminated, truncated, state: next } = transition;
      const rest = terminated || truncated ? 0 : bruteValue(environment, next, choose).value;
      return sum + probability * (reward + rest);
    }, 0),
  );
  return {
    value: values.reduce((sum, value, index) => sum + probabilities[index]! * value, 0),
    actions: new Map(actions.map((action, index) => [action, values[index]!])),
  };
}

/** One complete way through an environment. */
interface Trajectory {
  readonly probability: number;
  readonly total: number;
  readonly actions: readonly string[];
  readonly last: {
    readonly terminated: boolean;
    readonly truncated: boolean;
    readonly answer: string | undefined;
  };
}

/** All trajectories of an environment with their probabilities under a policy. */
export function trajectories<State>(
  environment: Environment<State>,
  task: Task,
  choose: Choose,
): readonly Trajectory[] {
  const from = (
    state: State,
    before: { readonly probability: number; readonly total: number; readonly actions: readonly string[] },
  ): Trajectory[] => {
    const legal = environment.actions!(state);
    const chances = choose(environment.observe(state).text, legal);
    return legal.flatMap((action, index) =>
      outcomes(environment, state, action).flatMap(({ probability, transition }) => {
        const { terminated, truncated } = transition;
        const here = {
          probability: before.probability * chances[index]! * probability,
          total: before.total + transition.reward,
          actions: [...before.actions, action],
        };
        return terminated || truncated
          ? [{ ...here, last: { terminated, truncated, answer: environment.answer!(transition.state) } }]
          : from(transition.state, here);
      }),
    );
  };
  return from(environment.reset(task), { probability: 1, total: 0, actions: [] });
}

/** The states in which something has to be decided, by key. */
export function decisions<State>(environment: Environment<State>, task: Task): ReadonlyMap<string, State> {
  const found = new Map<string, State>();
  const visit = (state: State): void => {
    const key = environment.key!(state);
    if (found.has(key)) return;
    found.set(key, state);
    for (const action of environment.actions!(state)) {
      for (const { transition } of outcomes(environment, state, action)) {
        if (!transition.terminated && !transition.truncated) visit(transition.state);
      }
    }
  };
  visit(environment.reset(task));
  return found;
}
