import type { Environment, LoadedEnvironment, Task } from '../../envs/environment.ts';

/** What an action may lead to: another state, or the end of the episode with a right or a wrong answer. */
export type Outcome = { readonly probability: number; readonly reward: number } & (
  | { readonly next: string }
  | { readonly right: boolean }
);

/** A legal action of a state. */
export interface ProcessAction {
  readonly name: string;
  /** Logit under the starting policy. */
  readonly logit: number;
  /** Their probabilities add up to 1. */
  readonly outcomes: readonly Outcome[];
}

/** A decision point. */
export interface ProcessState {
  /** What the policy reads. States that share a text share a row of the policy's table. */
  readonly text: string;
  readonly actions: readonly ProcessAction[];
  /** The policy stands inside an action that it writes token by token: see written.ts. Default: before an action. */
  readonly inside?: true;
}

/** A small decision process, written out in full: states by name, and where the episodes of each question start. */
export interface DecisionProcess {
  readonly states: Readonly<Record<string, ProcessState>>;
  readonly starts: readonly string[];
}

/** A state of an environment that is made from a process: the name of a decision point, or how the episode ended. */
type Position = { readonly at: string } | { readonly right: boolean };

/** Certain: on to a state, paying nothing. */
export const leads = (next: string): readonly Outcome[] => [{ probability: 1, reward: 0, next }];

/** Certain: the end, paying 1 for a right answer and 0 for a wrong one. */
export const ends = (right: boolean, reward: number = right ? 1 : 0): readonly Outcome[] => [
  { probability: 1, reward, right },
];

/** Two actions of which the first is taken with this probability at the start, above 0 and below 1. */
export function choice(
  probability: number,
  [name, outcomes]: readonly [name: string, outcomes: readonly Outcome[]],
  [otherName, otherOutcomes]: readonly [name: string, outcomes: readonly Outcome[]],
): readonly ProcessAction[] {
  const logit = Math.log(probability / (1 - probability));
  return [
    { name, logit, outcomes },
    { name: otherName, logit: 0, outcomes: otherOutcomes },
  ];
}

/** A process as an environment, each start as a question. Its expert takes the best action of every state. */
export function loadProcess(id: string, process: DecisionProcess): LoadedEnvironment<Position> {
  const { states, starts } = process;
  const tasks = starts.map(
    (start): Task => ({ id: start, question: start, answers: ['right'], kind: 'profile', hops: 0 }),
  );
  const actionsOf = new Map(
    Object.entries(states).map(([name, { actions }]) => [name, actions.map((action) => action.name)]),
  );
  const observations = new Map(Object.entries(states).map(([name, { text }]) => [name, { text }]));
  const compiled = compile(process);
  const best = compiled.bestActions();
  const environment: Environment<Position> = {
    id: `profile-${id}/v1`,
    markov: true,
    rewardRange: compiled.returnRange(),
    reset: (task) => ({ at: task.id }),
    observe: (state) => ('at' in state ? observations.get(state.at)! : { text: '' }),
    actions: (state) => ('at' in state ? actionsOf.get(state.at)! : []),
    step: (state, name, random) => {
      const action = 'at' in state ? states[state.at]!.actions.find((one) => one.name === name) : undefined;
      if (action === undefined) throw new RangeError(`profile-${id}: action '${name}' is not legal here`);
      const { outcomes } = action;
      const outcome =
        outcomes.length === 1
          ? outcomes[0]!
          : outcomes[random.categorical(outcomes.map(({ probability }) => probability))]!;
      const { reward } = outcome;
      return 'next' in outcome
        ? { state: { at: outcome.next }, reward, terminated: false, truncated: false }
        : { state: { right: outcome.right }, reward, terminated: true, truncated: false };
    },
    answer: (state) => ('at' in state ? undefined : state.right ? 'right' : 'wrong'),
    answersAfter: (state, name) => {
      const action = 'at' in state ? states[state.at]!.actions.find((one) => one.name === name) : undefined;
      return (action?.outcomes ?? []).flatMap((outcome) =>
        'right' in outcome
          ? [{ answer: outcome.right ? 'right' : 'wrong', probability: outcome.probability }]
          : [],
      );
    },
    answerKind: 'labels',
    key: (state) => ('at' in state ? state.at : `ended ${state.right}`),
  };
  return {
    environment,
    tasks: { train: tasks, dev: tasks, test: tasks },
    fingerprint: `profile-${id}`,
    expert: (state) => ('at' in state ? actionsOf.get(state.at)![best.get(state.at)!]! : ''),
  };
}

/** Values of all states under some policy. */
interface Values {
  /** Mean of the returns of the questions. */
  readonly value: number;
  /** Expected return from a state on. */
  readonly states: ReadonlyMap<string, number>;
  /** Expected return after each action of a state, its own reward included. */
  readonly actions: ReadonlyMap<string, Float64Array>;
}

/** A process ready for dynamic programming. */
export interface CompiledProcess {
  /** States in an order in which every one comes after those that it leads to. */
  readonly order: readonly string[];
  /** Under these probabilities of actions. */
  values(probabilities: (state: string) => ArrayLike<number>): Values;
  /** Mean return of the best policy that knows the state. */
  optimum(): number;
  /** Actions in an episode, expected: mean over the questions. */
  length(probabilities: (state: string) => ArrayLike<number>): number;
  bestActions(): ReadonlyMap<string, number>;
  returnRange(): readonly [number, number];
}

/** @throws Error when the states repeat in a cycle. */
export function compile({ states, starts }: DecisionProcess): CompiledProcess {
  const order = backwards(states, starts);
  /** From the last state to the first: what `fold` makes of the values of the actions is the state's value. */
  const solve = (
    fold: (values: Float64Array, state: string) => number,
    perAction = (_state: string) => 0,
    pays = true,
  ) => {
    const values = new Map<string, number>();
    const actions = new Map<string, Float64Array>();
    for (const state of order) {
      const after = Float64Array.from(states[state]!.actions, ({ outcomes }) => {
        let sum = perAction(state);
        for (const outcome of outcomes) {
          const on = 'next' in outcome ? values.get(outcome.next)! : 0;
          sum += outcome.probability * ((pays ? outcome.reward : 0) + on);
        }
        return sum;
      });
      actions.set(state, after);
      values.set(state, fold(after, state));
    }
    const value = starts.reduce((sum, start) => sum + values.get(start)!, 0) / starts.length;
    return { value, states: values, actions };
  };
  const expectation =
    (probabilities: (state: string) => ArrayLike<number>) =>
    (values: Float64Array, state: string): number => {
      const weights = probabilities(state);
      let sum = 0;
      for (let action = 0; action < values.length; action++) sum += weights[action]! * values[action]!;
      return sum;
    };
  const range = (pick: (...values: readonly number[]) => number): number => {
    const extremes = new Map<string, number>();
    for (const state of order) {
      const all = states[state]!.actions.flatMap(({ outcomes }) =>
        outcomes.map((one) => one.reward + ('next' in one ? extremes.get(one.next)! : 0)),
      );
      extremes.set(state, pick(...all));
    }
    return pick(...starts.map((start) => extremes.get(start)!));
  };
  return {
    order,
    values: (probabilities) => solve(expectation(probabilities)),
    optimum: () => solve((values) => Math.max(...values)).value,
    length: (probabilities) => solve(expectation(probabilities), () => 1, false).value,
    bestActions: () => {
      const { actions } = solve((values) => Math.max(...values));
      return new Map([...actions].map(([state, values]) => [state, values.indexOf(Math.max(...values))]));
    },
    returnRange: () => [range(Math.min), range(Math.max)],
  };
}

/** The states that episodes can reach, every one after those that it leads to. */
function backwards(states: DecisionProcess['states'], starts: readonly string[]): readonly string[] {
  const order: string[] = [];
  const begun = new Set<string>();
  const done = new Set<string>();
  const visit = (name: string): void => {
    if (done.has(name)) return;
    if (begun.has(name)) throw new Error(`decision process: state '${name}' comes back to itself`);
    begun.add(name);
    for (const { outcomes } of states[name]!.actions) {
      for (const outcome of outcomes) if ('next' in outcome) visit(outcome.next);
    }
    done.add(name);
    order.push(name);
  };
  for (const start of starts) visit(start);
  return order;
}

/** As many copies of a process as given, side by side: questions of one kind, none of whose states is another's. */
export function copies(process: DecisionProcess, count: number): DecisionProcess {
  if (count === 1) return process;
  const named = (copy: number, name: string): string => `${copy}: ${name}`;
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return {
    starts: numbers.flatMap((copy) => process.starts.map((start) => named(copy, start))),
    states: Object.fromEntries(
      numbers.flatMap((copy) =>
        Object.entries(process.states).map(([name, state]) => [
          named(copy, name),
          {
            ...state,
            text: named(copy, state.text),
            actions: state.actions.map((action) => ({
              ...action,
              outcomes: action.outcomes.map((outcome) =>
                'next' in outcome ? { ...outcome, next: named(copy, outcome.next) } : outcome,
              ),
            })),
          },
        ]),
      ),
    ),
  };
}
