import { createRandom, type Random } from '../../../core/random.ts';
import {
  TRAJECTORY_FORMAT,
  TRAJECTORY_VERSION,
  type Trajectory,
  type TrajectoryTurn,
} from '../trajectory.ts';

/**
 * What the golden trees are of, and how many of each.
 * @experimental
 */
export const GOLDEN_KINDS = {
  /** Chains from the first prompt, all of one length. */
  chains: 7,
  /** Equal returns: all of them, or all but one. */
  ties: 6,
  /** One rollout. */
  singletons: 4,
  /** Some rollouts were cut by a limit of turns or tokens. */
  truncated: 4,
  /** Several turns; the trees are one batch. */
  'multi-turn': 6,
  /** Turns and actions of different lengths; the trees are one batch. */
  'mixed-lengths': 5,
  /** Rewards before the end. */
  'rewards-on-the-way': 4,
  /** Rollouts that left others between two turns, in two rounds. */
  forks: 4,
  /** From every state that two rollouts went through, one more rollout, two from the first. */
  continuations: 3,
  /** Rollouts that left others inside an action. */
  'inside-action-forks': 4,
  /** A rollout that had to answer without a tool, and one of an expert. */
  forced: 3,
} as const;

/** @experimental */
export type GoldenKind = keyof typeof GOLDEN_KINDS;

/**
 * The made-up rollouts of one question.
 * @experimental
 */
export interface GoldenTree {
  readonly kind: GoldenKind;
  readonly trajectories: readonly Trajectory[];
}

/** Kinds whose trees are normalised together. The others are a batch each. */
const BATCHES: readonly GoldenKind[] = ['multi-turn', 'mixed-lengths'];

/** Heads whose outputs are made up: critics', a hazard model's, a progress estimator's. */
const HEADS = ['critic', 'hazard', 'progress'] as const;

/**
 * Fifty trees that depend on nothing but this file and the random numbers of creditbench: chains, forks and everything else
 * in `GOLDEN_KINDS`, with made-up values in every field that a method may read. All numbers have at most three decimals,
 * so that every language reads the same ones. Forks are named, so that nothing is left to merging.
 * @experimental
 */
export function goldenTrees(): readonly GoldenTree[] {
  const root = createRandom(0).split('golden');
  const kinds = Object.keys(GOLDEN_KINDS) as GoldenKind[];
  return kinds.flatMap((kind) =>
    Array.from({ length: GOLDEN_KINDS[kind] }, (_, index) => {
      const group = `${kind}-${index}`;
      const batch = BATCHES.includes(kind) ? kind : group;
      const rollouts = MAKERS[kind](root.split(kind, index), index);
      return { kind, trajectories: rollouts.map((rollout, id) => finished(rollout, { group, batch, id })) };
    }),
  );
}

/** A rollout before it has its names. */
interface Rollout {
  readonly turns: readonly TrajectoryTurn[];
  readonly reward: number;
  readonly end?: 'truncated';
  readonly round?: number;
  readonly fork?: { readonly of: number; readonly turn: number; readonly tokens?: number };
}

const finished = (
  { turns, reward, end, round = 0, fork }: Rollout,
  { group, batch, id }: { readonly group: string; readonly batch: string; readonly id: number },
): Trajectory => ({
  format: TRAJECTORY_FORMAT,
  version: TRAJECTORY_VERSION,
  group,
  id: String(id),
  batch,
  question: `What is the answer to ${group}?`,
  answers: ['w1 w2'],
  turns: [...turns],
  reward,
  ...(end === undefined ? {} : { end }),
  milestones: Math.min(turns.length, 2),
  ...(fork === undefined ? {} : { fork: { ...fork, of: String(fork.of) } }),
  round,
});

type Maker = (random: Random, index: number) => readonly Rollout[];

const MAKERS: Readonly<Record<GoldenKind, Maker>> = {
  chains: (random, index) => {
    const [turns, tokens] = [index < 4 ? 1 : 2, 1 + random.integer(6)];
    return several([2, 4, 8][index % 3]!, random, (one) => ({
      turns: turnsOf(one, turns, () => tokens),
      reward: one.integer(2),
    }));
  },
  ties: (random, index) => {
    const rollouts = several(index < 4 ? 4 : 5, random, (one) => ({
      turns: turnsOf(one, 1 + (index % 2), () => 1 + one.integer(5)),
      // 0.1 and 0.7 have no exact float64: means of equal returns may differ from them by rounding.
      reward: [0, 1, 0.1, 0.7, 0, 1][index]!,
    }));
    return index < 4 ? rollouts : [{ ...rollouts[0]!, reward: index === 4 ? 1 : 0.25 }, ...rollouts.slice(1)];
  },
  singletons: (random, index) =>
    several(1, random, (one) => ({
      turns: turnsOf(one, 1 + index, () => 1 + one.integer(5)),
      reward: index % 2,
    })),
  truncated: (random) =>
    several(4, random, (one, id) => {
      const turns = turnsOf(one, 1 + one.integer(3), () => 2 + one.integer(5));
      if (id % 2 === 0) return { turns, reward: decimal(one) };
      const last = { ...turns.at(-1)!, cut: true };
      return { turns: [...turns.slice(0, -1), last], reward: 0, end: 'truncated' };
    }),
  'multi-turn': (random) =>
    several(4, random, (one) => ({
      turns: turnsOf(one, 3, () => 3 + one.integer(4)),
      reward: one.integer(3) / 2,
    })),
  'mixed-lengths': (random) =>
    several(5, random, (one) => ({
      turns: turnsOf(one, 1 + one.integer(5), () => 1 + one.integer(12)),
      reward: decimal(one),
    })),
  'rewards-on-the-way': (random) =>
    several(4, random, (one) => ({
      turns: turnsOf(one, 2 + one.integer(3), () => 1 + one.integer(4)).map((turn) => ({
        ...turn,
        reward: one.integer(5) / 4 - 0.5,
      })),
      reward: one.integer(2),
    })),
  forks: (random) => {
    const rollouts = several(3, random, (one) => rolloutOf(one, 3));
    for (const [extra, of] of [0, 1, 2, 3, 0].entries()) {
      const own = random.split('fork', extra);
      const turn = 1 + own.integer(rollouts[of]!.turns.length - 1);
      rollouts.push({ ...forked(rollouts[of]!, own, { of, turn }), round: extra < 3 ? 1 : 2 });
    }
    return rollouts;
  },
  continuations: (random) => {
    const rollouts = several(2, random, (one) => rolloutOf(one, 2));
    const fromRoot = (index: number) => ({ ...rolloutOf(random.split('root', index), 2), round: 1 });
    const fromLater = (of: number) => forked(rollouts[of]!, random.split('fork', of), { of, turn: 1 });
    return [...rollouts, fromRoot(0), fromLater(0), fromLater(1), fromRoot(1)];
  },
  'inside-action-forks': (random) => {
    const rollouts = several(2, random, (one) => rolloutOf(one, 2));
    for (const of of [0, 1, 0, 2]) {
      const own = random.split('fork', rollouts.length);
      const parent = rollouts[of]!;
      const turn = own.integer(parent.turns.length);
      const forked = parent.turns[turn]!;
      const tokens = 1 + own.integer(forked.tokens.length - 1);
      const [first, ...rest] = turnsOf(own, 1 + own.integer(2), () => forked.tokens.length + 1, turn);
      const turns = [...parent.turns.slice(0, turn), joined(forked, first!, tokens), ...rest];
      rollouts.push({ turns, reward: decimal(own), round: 1, fork: { of, turn, tokens } });
    }
    return rollouts;
  },
  forced: (random) =>
    several(4, random, (one, id) => {
      if (id === 0) {
        const [turn] = turnsOf(one, 1, () => 3);
        return { turns: [{ ...turn!, begin: 'answer', forced: 1, tool: false }], reward: one.integer(2) };
      }
      const turns = turnsOf(one, 2, () => 3);
      if (id > 1) return { turns, reward: one.integer(2) };
      const expert = turns.map((turn) => ({
        ...turn,
        begin: 'expert' as const,
        forced: turn.tokens.length,
        entropies: turn.tokens.map(() => 0),
      }));
      return { turns: expert, reward: 1 };
    }),
};

const several = (count: number, random: Random, make: (random: Random, id: number) => Rollout): Rollout[] =>
  Array.from({ length: count }, (_, id) => make(random.split('rollout', id), id));

const rolloutOf = (random: Random, turns: number): Rollout => ({
  turns: turnsOf(random, turns, () => 2 + random.integer(4)),
  reward: random.integer(2),
});

/** A rollout that leaves another one between two turns, in round 1. */
function forked(
  left: Rollout,
  random: Random,
  fork: { readonly of: number; readonly turn: number },
): Rollout {
  const { turn } = fork;
  const [first, ...rest] = turnsOf(random, 1 + random.integer(2), () => 1 + random.integer(5), turn);
  // What was read at the fork is the same.
  const turns = [...left.turns.slice(0, turn), { ...first!, ...readOf(left.turns[turn]!) }, ...rest];
  return { turns, reward: random.integer(2), round: 1, fork };
}

/** Turns with made-up tokens and measurements. @param from how many turns are before them. */
function turnsOf(random: Random, count: number, tokens: () => number, from = 0): TrajectoryTurn[] {
  return Array.from({ length: count }, (_, index) => turnOf(random, tokens(), from + index));
}

function turnOf(random: Random, length: number, at: number): TrajectoryTurn {
  const list = (value: () => number): number[] => Array.from({ length }, value);
  const tokens = list(() => 1 + random.integer(40));
  const logprobs = list(() => -decimal(random) * 3).map(rounded);
  const near = (): number[] => logprobs.map((value) => rounded(value + (decimal(random) - 0.5) / 5));
  const seen = Array.from({ length: 3 }, () => 50 + random.integer(10));
  return {
    // Half of the later turns read the same: methods that compare states find some that are equal.
    observation:
      at > 0 && random.integer(2) === 0
        ? { tokens: [50, 51], text: ' o50 o51' }
        : { tokens: at === 0 ? [60, 61] : seen, text: at === 0 ? ' o60 o61' : textOf(seen, 'o') },
    tokens,
    text: textOf(tokens, 'w'),
    logprobs,
    entropies: list(() => rounded(decimal(random) * 2)),
    outputs: Object.fromEntries(HEADS.map((head) => [head, list(() => rounded(decimal(random) - 0.25))])),
    previous: near(),
    reference: near(),
    pieces: tokens.map((token) => ` w${token}`),
    gold: rounded(-4 * decimal(random)),
    milestones: Math.min(at, 2),
  };
}

const textOf = (ids: readonly number[], letter: string): string =>
  ids.map((id) => ` ${letter}${id}`).join('');

/** What a turn has of the moment before its action. */
const readOf = ({ observation, gold, milestones }: TrajectoryTurn): Partial<TrajectoryTurn> =>
  ({ observation, gold, milestones }) as Partial<TrajectoryTurn>;

/** An action that begins with tokens of another one, copied with all that was measured. */
function joined(left: TrajectoryTurn, own: TrajectoryTurn, shared: number): TrajectoryTurn {
  const join = <T>(a: readonly T[] = [], b: readonly T[] = []): T[] => [
    ...a.slice(0, shared),
    ...b.slice(shared),
  ];
  const tokens = join(left.tokens, own.tokens);
  // The first token of its own is another one: it would not be a fork.
  if (tokens[shared] === left.tokens[shared]) tokens[shared] = 41;
  return {
    ...own,
    ...readOf(left),
    tokens,
    text: textOf(tokens, 'w'),
    logprobs: join(left.logprobs, own.logprobs),
    entropies: join(left.entropies, own.entropies),
    outputs: Object.fromEntries(HEADS.map((head) => [head, join(left.outputs?.[head], own.outputs?.[head])])),
    previous: join(left.previous, own.previous),
    reference: join(left.reference, own.reference),
    pieces: tokens.map((token) => ` w${token}`),
  };
}

/** A number in [0, 1) with three decimals. */
const decimal = (random: Random): number => random.integer(1000) / 1000;

const rounded = (value: number): number => Math.round(value * 1000) / 1000 + 0;
