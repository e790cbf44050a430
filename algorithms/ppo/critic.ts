import { z } from 'zod';
import { variance } from '../../core/statistics.ts';
import type { Credit, Head, TokenValues } from '../algorithm.ts';
import { trajectoryRows } from '../shared/flat.ts';
import { gae } from '../shared/gae.ts';
import { whiten } from '../shared/whitening.ts';
import { leaves, path, type RolloutTree } from '../tree.ts';

/** Options of PPO with a critic, for the methods that put other rewards into it. */
export const criticOptions = {
  /** Rollouts per question. They do not look at each other. */
  groupSize: z.int().min(1).max(4096).default(16),
  /** Discount per token. */
  gamma: z.number().min(0).max(1).default(1),
  /** GAE's lambda, per token. */
  lambda: z.number().min(0).max(1).default(1),
  /** Whether the advantages of all tokens of an iteration are given mean 0 and std 1. */
  whiten: z.boolean().default(true),
  /** How far a value may move from what it was at sampling before its loss stops pulling; null: anywhere. */
  valueClip: z.number().positive().nullable().default(0.5),
  /** Adam's learning rate of the critic. */
  criticLearningRate: z.number().positive().default(0.001),
  /** Adam steps of the critic per iteration, each over all tokens. */
  criticSteps: z.int().min(1).max(1000).default(20),
  /** Iterations at the start in which the critic is trained and the policy is not. */
  criticWarmup: z.int().min(0).max(1000).default(0),
};

const schema = z.object(criticOptions);
export type CriticOptions = z.infer<typeof schema>;

/** What every action of a tree is paid at its last token; index = edge id. */
export type RewardFunction = (tree: RolloutTree) => ArrayLike<number>;

/** The environment's rewards. */
export const ownRewards: RewardFunction = ({ edges }) => edges.map(({ reward }) => reward);

/** Added to the variance, as verl's `masked_whiten` does. */
const WHITEN_EPSILON = 1e-8;

/** GAE along every trajectory of a tree of independent rollouts: by edge id, per token. */
function estimate(
  tree: RolloutTree,
  rewardOf: RewardFunction,
  discounts: Pick<CriticOptions, 'gamma' | 'lambda'>,
): { readonly advantages: readonly (readonly number[])[]; readonly returns: readonly (readonly number[])[] } {
  const rewards = rewardOf(tree);
  const advantages: (readonly number[])[] = [];
  const returns: (readonly number[])[] = [];
  for (const leaf of leaves(tree)) {
    const edges = path(tree, leaf);
    const found = gae(
      edges.map((edge) => ({ values: edge.outputs!.critic!, reward: rewards[edge.id]! })),
      discounts,
    );
    for (const [i, { id }] of edges.entries()) {
      advantages[id] = found.advantages[i]!;
      returns[id] = found.returns[i]!;
    }
  }
  return { advantages, returns };
}

/** GAE advantages of every token of every trajectory, whitened over the batch; a trajectory is one sequence. */
export function ppoCredit(
  trees: readonly RolloutTree[],
  rewardOf: RewardFunction,
  options: CriticOptions,
): Credit {
  const actions = trees.flatMap((tree, index) => {
    const { advantages } = estimate(tree, rewardOf, options);
    return trajectoryRows(tree, index, (_, { id }) => ({ advantage: advantages[id]! }));
  });
  return options.whiten ? whiten(trees, { actions }, WHITEN_EPSILON) : { actions };
}

/**
 * The critic: V of the prefix before every token, trained on GAE's returns with
 * 1/2 mean max((V - ret)^2, (clip(V, V_old - c, V_old + c) - ret)^2) over all tokens.
 */
export function criticHead(rewardOf: RewardFunction, options: CriticOptions): Head {
  return {
    name: 'critic',
    learningRate: options.criticLearningRate,
    steps: options.criticSteps,
    warmup: options.criticWarmup,
    loss: (trees, outputs) => {
      const targets = trees.map((tree) => estimate(tree, rewardOf, options).returns);
      return {
        ...valueLoss(trees, targets, outputs, options.valueClip ?? Number.POSITIVE_INFINITY),
        ...explained(
          targets.flat(2),
          outputs.flatMap((edges) => edges.flatMap((values) => [...values])),
        ),
      };
    },
  };
}

function valueLoss(
  trees: readonly RolloutTree[],
  targets: readonly (readonly (readonly number[])[])[],
  outputs: TokenValues,
  clip: number,
): { readonly loss: number; readonly gradients: TokenValues } {
  const count = targets.flat(2).length;
  let loss = 0;
  const gradients = outputs.map((edges, tree) =>
    edges.map((values, edge) =>
      values.map((value, t) => {
        const old = trees[tree]!.edges[edge]!.outputs!.critic![t]!;
        const target = targets[tree]![edge]![t]!;
        const miss = value - target;
        const clippedMiss = Math.min(Math.max(value, old - clip), old + clip) - target;
        loss += Math.max(miss ** 2, clippedMiss ** 2) / 2 / count;
        // Where the clipped branch wins, the value no longer moves the loss.
        return clippedMiss ** 2 > miss ** 2 ? 0 : miss / count;
      }),
    ),
  );
  return { loss, gradients };
}

/** 1 - Var(target - value) / Var(target); nothing if the targets do not vary. */
function explained(
  targets: readonly number[],
  values: readonly number[],
): { readonly explainedVariance?: number } {
  const total = variance(targets, 'population');
  if (!(total > 1e-12)) return {};
  const left = variance(
    targets.map((target, i) => target - values[i]!),
    'population',
  );
  return { explainedVariance: 1 - left / total };
}
