import type { Random } from '../../core/random.ts';
import type { Environment, LoadedEnvironment, Task } from '../../envs/environment.ts';
import type { TokenCodec } from '../../policies/policy.ts';
import type { Reading, WritingTableOptions } from '../../policies/tabular/writing.ts';
import { compile, type DecisionProcess, type loadProcess } from './process.ts';

/**
 * Processes whose actions are written token by token. Every token is a state of the process, which is therefore solved as
 * any other; states that are `inside` lie inside an action. An action's last token is the stop, and what is paid is paid
 * there.
 */

/** The token that ends an action. */
export const STOP = '.';

/** What is observed of a state before an action: a character of its own, from here on. */
const FIRST_CHARACTER = 0xe000;

type Position = ReturnType<ReturnType<typeof loadProcess>['environment']['reset']>;

/** Whether the actions of a process are written. */
export const isWritten = ({ states }: DecisionProcess): boolean =>
  Object.values(states).some(({ inside }) => inside === true);

/** A token of an action: the state in which it is written, and its place among that state's actions. */
export type Decision = readonly [state: string, action: number];

/** A process whose actions are written, as an environment and as what a policy reads of it. */
export interface WrittenProcess extends WritingTableOptions {
  readonly loaded: LoadedEnvironment<Position>;
  /** The decisions behind the ids of an action that begins in a state. */
  decisions(state: string, tokens: readonly number[]): readonly Decision[];
}

/**
 * @throws Error when a token is not one character, does something else inside an action than lead on inside it for
 * certain and unpaid, or an action ends with another token than the stop.
 */
export function loadWritten(id: string, process: DecisionProcess): WrittenProcess {
  const { states, starts } = process;
  checkTokens(process);
  const names = Object.keys(states);
  const letters = [...new Set(names.flatMap((name) => states[name]!.actions.map((action) => action.name)))];
  const characterOf = new Map(
    names.map((name, index) => [name, String.fromCharCode(FIRST_CHARACTER + index)]),
  );
  const characters = [...letters, ...characterOf.values()];
  const idOf = new Map(characters.map((character, index) => [character, index]));
  const codec: TokenCodec = {
    // What it cannot spell is a token that no policy writes.
    encode: (text) => [...text].map((character) => idOf.get(character) ?? characters.length),
    decode: (ids) => Array.from(ids, (token) => characters[token] ?? '\ufffd').join(''),
  };

  const readings = new Map<string, Reading>();
  for (const [name, { text, actions }] of Object.entries(states)) {
    const next = new Map(
      actions.map(({ name: letter, outcomes: [first] }) => [
        idOf.get(letter)!,
        letter === STOP || !('next' in first!) ? undefined : first.next,
      ]),
    );
    readings.set(name, {
      row: text,
      tokens: [...next.keys()],
      initial: actions.map(({ logit }) => logit),
      after: (token) => {
        const to = next.get(token);
        return to === undefined ? undefined : readings.get(to)!;
      },
    });
  }
  const read = (context: Int32Array): Reading =>
    readings.get(names[context.at(-1)! - letters.length] ?? '') ??
    (() => {
      throw new Error(`profile-${id}: the context does not end in a state`);
    })();

  const decisions = (state: string, tokens: readonly number[]): readonly Decision[] => {
    let at = state;
    return tokens.map((token) => {
      const { actions } = states[at]!;
      const index = actions.findIndex(({ name }) => name === characters[token]);
      const decision: Decision = [at, index];
      const first = actions[index]!.outcomes[0]!;
      if ('next' in first) at = first.next;
      return decision;
    });
  };

  const compiled = compile(process);
  const best = compiled.bestActions();
  const tasks = starts.map(
    (start): Task => ({ id: start, question: start, answers: [], kind: 'profile', hops: 0 }),
  );
  const wrong = { state: { right: false }, reward: 0, terminated: true, truncated: false } as const;
  const environment: Environment<Position> = {
    id: `profile-${id}/v1`,
    markov: true,
    rewardRange: withZero(compiled.returnRange()),
    text: {
      stops: [STOP],
      maxActionTokens: longestAction(process, compiled.order),
      maxObservationTokens: 1,
      // There is no answer to ask for: methods that measure one find none.
      answering: '',
    },
    reset: (task) => ({ at: task.id }),
    observe: (state) => ({ text: 'at' in state ? characterOf.get(state.at)! : '' }),
    step: (state, written, random) => {
      if (!('at' in state) || !written.endsWith(STOP)) return wrong;
      let { at } = state;
      for (const [place, letter] of [...written].entries()) {
        const action = states[at]!.actions.find(({ name }) => name === letter);
        if (action === undefined) return wrong;
        if (letter !== STOP) {
          at = (action.outcomes[0] as { readonly next: string }).next;
          continue;
        }
        if (place < [...written].length - 1) return wrong;
        const outcome =
          action.outcomes.length === 1
            ? action.outcomes[0]!
            : action.outcomes[random.categorical(action.outcomes.map(({ probability }) => probability))]!;
        const { reward } = outcome;
        return 'next' in outcome
          ? { state: { at: outcome.next }, reward, terminated: false, truncated: false }
          : { state: { right: outcome.right }, reward, terminated: true, truncated: false };
      }
      return wrong;
    },
    key: (state) => ('at' in state ? state.at : `ended ${state.right}`),
  };
  /** The best action, each of whose tokens is drawn evenly instead with probability `noise`. */
  const demonstrate = (state: Position, noise: number, random: Random): string => {
    let written = '';
    let at = (state as { readonly at: string }).at;
    while (!written.endsWith(STOP)) {
      const { actions } = states[at]!;
      const isMistake = noise > 0 && random.categorical([1 - noise, noise]) === 1;
      const { name, outcomes } = actions[isMistake ? random.integer(actions.length) : best.get(at)!]!;
      written += name;
      const first = outcomes[0]!;
      if ('next' in first) at = first.next;
    }
    return written;
  };
  return {
    codec,
    readings: [...readings.values()],
    read,
    decisions,
    loaded: {
      environment,
      tasks: { train: tasks, dev: tasks, test: tasks },
      fingerprint: `profile-${id}`,
      expert: (state, random) => demonstrate(state, 0, random),
      demonstrate,
    },
  };
}

/** What is no action ends the episode with nothing. */
const withZero = ([low, high]: readonly [number, number]): readonly [number, number] => [
  Math.min(low, 0),
  Math.max(high, 0),
];

function checkTokens({ states, starts }: DecisionProcess): void {
  const isInside = (name: string): boolean => states[name]!.inside === true;
  for (const start of starts)
    if (isInside(start)) throw new Error(`state '${start}' starts inside an action`);
  for (const [state, { actions }] of Object.entries(states)) {
    for (const { name, outcomes } of actions) {
      const [first] = outcomes;
      const leadsOn =
        outcomes.length === 1 && first!.reward === 0 && 'next' in first! && isInside(first.next);
      const leavesInside = outcomes.some((one) => 'next' in one && isInside(one.next));
      if (name.length !== 1 || (name === STOP ? leavesInside : !leadsOn)) {
        throw new Error(
          `state '${state}', token '${name}': valid: one character that leads on inside the action, or '${STOP}', which ends it`,
        );
      }
    }
  }
}

/** Tokens of the longest action. */
function longestAction({ states }: DecisionProcess, order: readonly string[]): number {
  const rest = new Map<string, number>();
  for (const name of order) {
    const lengths = states[name]!.actions.map(({ name: letter, outcomes: [first] }) =>
      letter === STOP || !('next' in first!) ? 1 : 1 + rest.get(first.next)!,
    );
    rest.set(name, Math.max(...lengths));
  }
  return Math.max(...order.map((name) => rest.get(name)!));
}
