import { choice, ends, leads, type Outcome, type ProcessState } from './process.ts';

interface CorridorOptions {
  /** Begins the names of its states, which are what the policy reads. */
  readonly name: string;
  /** Turns in which nothing matters, at least 0. */
  readonly turns: number;
  /** Probability of the less likely of a turn's two actions, at most 0.5; 0: there is only one action. Default 0.5. */
  readonly unlikely?: number;
  /** A fair coin adds or takes this after every turn, whatever is done. Default 0: no coin. */
  readonly coin?: number;
  /** What the last turn leads to. */
  readonly exit: readonly Outcome[];
}

/** The same outcomes with a fair coin that adds or takes `coin` from the reward. */
export const withCoin = (outcomes: readonly Outcome[], coin: number): readonly Outcome[] =>
  coin === 0
    ? outcomes
    : outcomes.flatMap((one) =>
        [coin, -coin].map((paid) => ({
          ...one,
          probability: one.probability / 2,
          reward: one.reward + paid,
        })),
      );

/** A row of turns in which nothing matters: its states, and what leads into it. */
export function corridor({ name, turns, unlikely = 0.5, coin = 0, exit }: CorridorOptions): {
  readonly states: Readonly<Record<string, ProcessState>>;
  readonly entry: readonly Outcome[];
} {
  const at = (turn: number): string => `${name}, turn ${turn}`;
  const states = Object.fromEntries(
    Array.from({ length: turns }, (_, index): [string, ProcessState] => {
      const outcomes = withCoin(index + 1 === turns ? exit : leads(at(index + 2)), coin);
      const actions =
        unlikely === 0
          ? [{ name: 'left', logit: 0, outcomes }]
          : choice(1 - unlikely, ['left', outcomes], ['right', outcomes]);
      return [at(index + 1), { text: at(index + 1), actions }];
    }),
  );
  return { states, entry: turns === 0 ? exit : leads(at(1)) };
}

/** A choice between a right and a wrong way, then a corridor that ends with 1 or 0. */
export function choiceThenCorridor(options: {
  readonly turns: number;
  /** Probability of the right way at the start. */
  readonly right: number;
  readonly unlikely?: number;
  readonly coin?: number;
  /** What the end of each way leads to. Default: 1 for the right one, 0 for the other. */
  readonly exit?: (right: boolean) => readonly Outcome[];
}) {
  const { right, exit = ends, ...idle } = options;
  const good = corridor({ name: 'right way', ...idle, exit: exit(true) });
  const bad = corridor({ name: 'wrong way', ...idle, exit: exit(false) });
  return {
    starts: ['fork'],
    states: {
      fork: { text: 'fork', actions: choice(right, ['good', good.entry], ['bad', bad.entry]) },
      ...good.states,
      ...bad.states,
    },
  };
}
