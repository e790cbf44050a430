import { InputError } from '../../core/errors.ts';
import type { Trajectory, TrajectoryTurn } from './trajectory.ts';

/**
 * What of trajectories that name no forks is taken for shared: nothing; whole turns that two have in common from the start;
 * or also the tokens in which the next action begins alike.
 */
export const MERGES = ['none', 'turns', 'tokens'] as const;
/**
 * One of `MERGES`.
 * @experimental
 */
export type Merge = (typeof MERGES)[number];

/** How a trajectory goes on from earlier ones. */
export interface Branch {
  /** Index of the trajectory. */
  readonly index: number;
  /** The earlier one whose first `turns` turns, and `tokens` tokens of the next, it shares. */
  readonly parent: number | undefined;
  readonly turns: number;
  readonly tokens: number | undefined;
}

/**
 * Where each trajectory of a group leaves the others, those that are left first. By the forks that they name, if any of
 * them names a fork or a round; otherwise by what they have in common.
 * @param names indices of the trajectories by id.
 * @throws InputError when a fork leaves a trajectory that is not there, itself in the end, or one that differs before it.
 */
export function branches(
  group: readonly Trajectory[],
  names: ReadonlyMap<string, number>,
  merge: Merge,
): readonly Branch[] {
  const isNamed = group.some(({ fork, round }) => fork !== undefined || round !== undefined);
  if (isNamed) return namedForks(group, names);
  if (merge === 'none') return group.map((_, index) => alone(index));
  return commonPrefixes(group, merge);
}

const alone = (index: number): Branch => ({ index, parent: undefined, turns: 0, tokens: undefined });

function namedForks(group: readonly Trajectory[], names: ReadonlyMap<string, number>): readonly Branch[] {
  const done: Branch[] = [];
  const state = new Uint8Array(group.length);
  const [waiting, placed] = [1, 2];
  const place = (from: number): void => {
    // Not recursive: every trajectory may leave the one before it.
    const chain: number[] = [];
    for (let at: number | undefined = from; at !== undefined && state[at] !== placed; ) {
      const { id, group: name, fork } = group[at]!;
      if (state[at] === waiting) {
        throw new InputError(
          `group '${name}': trajectory '${id}' forks from itself in the end; valid: no circle`,
        );
      }
      state[at] = waiting;
      chain.push(at);
      if (fork === undefined) break;
      const left: number | undefined = names.get(fork.of);
      if (left === undefined) {
        throw new InputError(
          `group '${name}': trajectory '${id}' forks from '${fork.of}', which is not there; valid: an id of the same group`,
        );
      }
      at = left;
    }
    for (const at of chain.reverse()) {
      state[at] = placed;
      done.push(namedFork(group, at, names));
    }
  };
  for (const index of group.keys()) place(index);
  return done;
}

function namedFork(group: readonly Trajectory[], index: number, names: ReadonlyMap<string, number>): Branch {
  const own = group[index]!;
  if (own.fork === undefined) return alone(index);
  const { of, turn, tokens } = own.fork;
  const parent = names.get(of)!;
  const left = group[parent]!;
  const refuse = (problem: string): never => {
    throw new InputError(`group '${own.group}': trajectory '${own.id}' forks from '${of}', but ${problem}`);
  };
  const needed = tokens === undefined ? turn + 1 : turn;
  if (left.turns.length < needed || left.turns.length === turn) {
    refuse(`'${of}' has ${left.turns.length} turns; valid: more than fork.turn, ${turn}`);
  }
  for (let at = 0; at < turn; at++) {
    if (!isSameTurn(left, own, at)) refuse(`they differ in turn ${at}; valid: the same up to turn ${turn}`);
  }
  if (tokens !== undefined) {
    const shared = commonTokens(left.turns[turn]!, own.turns[turn]!);
    if (shared < tokens || tokens >= left.turns[turn]!.tokens.length) {
      refuse(
        `their actions in turn ${turn} share ${shared} tokens; valid: fork.tokens, ${tokens}, and one more in each`,
      );
    }
  }
  return { index, parent, turns: turn, tokens };
}

/** Each trajectory leaves the earlier one with which it has most in common, the first of equals. */
function commonPrefixes(group: readonly Trajectory[], merge: Merge): readonly Branch[] {
  return group.map((own, index) => {
    let best = alone(index);
    for (let parent = 0; parent < index; parent++) {
      const found = commonPrefix(group[parent]!, own, merge);
      const isMore =
        found.turns > best.turns || (found.turns === best.turns && (found.tokens ?? 0) > (best.tokens ?? 0));
      if (isMore) best = { index, parent, ...found };
    }
    return best;
  });
}

function commonPrefix(left: Trajectory, own: Trajectory, merge: Merge): Pick<Branch, 'turns' | 'tokens'> {
  // The last action is a trajectory's own: it would not be a leaf otherwise.
  const most = Math.min(left.turns.length, own.turns.length) - 1;
  let turns = 0;
  while (turns < most && isSameTurn(left, own, turns) && readsTheSame(left, own, turns + 1)) turns++;
  if (merge === 'turns' || !readsTheSame(left, own, turns)) return { turns, tokens: undefined };
  const [a, b] = [left.turns[turns]!, own.turns[turns]!];
  const shared = Math.min(commonTokens(a, b), a.tokens.length - 1, b.tokens.length - 1);
  return { turns, tokens: shared > 0 ? shared : undefined };
}

const readsTheSame = (left: Trajectory, own: Trajectory, at: number): boolean => {
  const [a, b] = [left.turns[at]!.observation, own.turns[at]!.observation];
  return areSame(a?.tokens, b?.tokens) && (a?.tokens !== undefined || a?.text === b?.text);
};

/** A turn that was rewarded differently is not the same: the tree would keep one of the rewards. */
const isSameTurn = (left: Trajectory, own: Trajectory, at: number): boolean =>
  areSame(left.turns[at]!.tokens, own.turns[at]!.tokens) &&
  readsTheSame(left, own, at) &&
  (left.turns[at]!.reward ?? 0) === (own.turns[at]!.reward ?? 0);

function areSame(a: readonly number[] | undefined, b: readonly number[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

function commonTokens(a: TrajectoryTurn, b: TrajectoryTurn): number {
  const most = Math.min(a.tokens.length, b.tokens.length);
  let shared = 0;
  while (shared < most && a.tokens[shared] === b.tokens[shared]) shared++;
  return shared;
}
