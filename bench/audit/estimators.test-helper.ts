import type { AnyAlgorithm, CreditedAction } from '../../algorithms/algorithm.ts';
import { grpo } from '../../algorithms/grpo/index.ts';
import { leaves, path, type RolloutTree, type TreeEdge } from '../../algorithms/tree.ts';

/** Turns one question's trajectories into advantages, one per trajectory and turn. */
type Rule = (
  trajectories: readonly Trajectory[],
  options: { epsilon: number },
) => readonly (readonly number[])[];

interface Trajectory {
  readonly rewards: readonly number[];
  readonly edges: readonly TreeEdge[];
  /** Prompt before each turn. */
  readonly states: readonly string[];
}

/** An estimator over independent trajectories, for tests: GRPO's plan and loss with another credit rule. */
export function flatEstimator(id: string, rule: Rule, aggregation?: 'per-turns'): AnyAlgorithm {
  return {
    ...grpo,
    id,
    credit: (trees: readonly RolloutTree[]) => ({
      actions: trees.flatMap((tree, index) => {
        const trajectories = leaves(tree).map((leaf): Trajectory => {
          const edges = path(tree, leaf);
          return {
            edges,
            rewards: edges.map((edge) => edge.reward),
            states: edges.map((edge) => tree.nodes[edge.from]!.prompt.text),
          };
        });
        const advantages = rule(trajectories, { epsilon: 1e-6 });
        return trajectories.flatMap(({ edges }, i) =>
          edges.map((edge, turn): CreditedAction => {
            const value = advantages[i]![turn]!;
            return {
              tree: index,
              edge: edge.id,
              advantage: aggregation === 'per-turns' ? value / edges.length : value,
              sequence: `${index}/${i}`,
            };
          }),
        );
      }),
    }),
  } as AnyAlgorithm;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const average = (values: readonly number[]): number =>
  values.length === 0 ? 0 : sum(values) / values.length;
const toGo = (rewards: readonly number[], turn: number): number => sum(rewards.slice(turn));
const broadcast = (values: readonly number[], trajectories: readonly Trajectory[]): number[][] =>
  trajectories.map(({ edges }, i) => edges.map(() => values[i]!));
const returns = (trajectories: readonly Trajectory[]): number[] =>
  trajectories.map(({ rewards }) => sum(rewards));

/** REINFORCE without a baseline. */
export const reinforce = flatEstimator('reinforce', (t) => broadcast(returns(t), t));

/** Dr. GRPO: minus the group's mean, own return included. */
export const drGrpo = flatEstimator('dr-grpo', (t) =>
  broadcast(
    returns(t).map((value) => value - average(returns(t))),
    t,
  ),
);

/** The same, each trajectory divided by its number of turns. */
export const drGrpoPerTurns = flatEstimator(
  'dr-grpo per turns',
  (t) =>
    broadcast(
      returns(t).map((value) => value - average(returns(t))),
      t,
    ),
  'per-turns',
);

/** Reward-to-go minus the mean of the others' at the same state; without others minus 0. */
export const perState = flatEstimator('per-state leave-one-out', (t) =>
  t.map(({ rewards, states }, i) =>
    states.map((state, turn) => {
      const others = t.flatMap((other, j) =>
        j === i ? [] : other.states.flatMap((s, k) => (s === state ? [toGo(other.rewards, k)] : [])),
      );
      return toGo(rewards, turn) - average(others);
    }),
  ),
);

/** Reward-to-go minus the others' mean reward-to-go at the same turn number; finished ones count as 0. */
export const perTurn = flatEstimator('per-turn-index leave-one-out of reward-to-go', (t) =>
  t.map(({ rewards }, i) =>
    rewards.map((_, turn) => {
      const others = t.filter((_, j) => j !== i).map((other) => toGo(other.rewards, turn));
      return toGo(rewards, turn) - average(others);
    }),
  ),
);

/** Each turn's reward minus the mean of the others that have such a turn, summed over the rest. */
export const perTurnRewards = flatEstimator('per-turn-index leave-one-out of rewards, summed to go', (t) =>
  t.map(({ rewards }, i) => {
    const centered = rewards.map(
      (reward, turn) =>
        reward -
        average(
          t.flatMap((other, j) => (j !== i && turn < other.rewards.length ? [other.rewards[turn]!] : [])),
        ),
    );
    return centered.map((_, turn) => toGo(centered, turn));
  }),
);

/** Group mean over steps instead of trajectories: long trajectories count more (verl-agent's default). */
export const stepWeighted = flatEstimator('step-weighted group mean', (t) =>
  broadcast(
    returns(t).map((value) => value - average(t.flatMap(({ rewards }) => rewards.map(() => sum(rewards))))),
    t,
  ),
);
