import { z } from 'zod';
import { variance } from '../../core/statistics.ts';
import type { Credit, Head, HeadLoss, TokenValues } from '../algorithm.ts';
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

/**
 * GAE along every trajectory of a tree, per token: advantages by leaf and edge id; returns by edge id, of the last trajectory
 * that has it (trees that are trained on are independent rollouts, which share none).
 */
function estimate(
  tree: RolloutTree,
  rewardOf: RewardFunction,
  discounts: Pick<CriticOptions, 'gamma' | 'lambda'>,
): {
  readonly advantages: readonly ReadonlyMap<number, readonly number[]>[];
  readonly returns: readonly (readonly number[])[];
} {
  const rewards = rewardOf(tree);
  const returns: (readonly number[])[] = [];
  const advantages = leaves(tree).map((leaf) => {
    const edges = path(tree, leaf);
    const found = gae(
      edges.map((edge) => ({ values: edge.outputs!.critic!, reward: rewards[edge.id]! })),
      discounts,
    );
    for (const [i, { id }] of edges.entries()) returns[id] = found.returns[i]!;
    return new Map(edges.map(({ id }, i) => [id, found.advantages[i]!]));
  });
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
    return trajectoryRows(tree, index, (leaf, { id }) => ({ advantage: advantages[leaf]!.get(id)! }));
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
    loss: (trees) => {
      const targets = trees.map((tree) => estimate(tree, rewardOf, options).returns);
      const varianceOf = explained(targets);
      const lossOf = valueLoss(trees, targets, options.valueClip ?? Number.POSITIVE_INFINITY);
      return (outputs) => ({ ...lossOf(outputs), ...varianceOf(outputs) });
    },
  };
}

/** Targets by tree, edge and token. */
type Targets = readonly (readonly (readonly number[])[])[];

function valueLoss(trees: readonly RolloutTree[], targets: Targets, clip: number): HeadLoss {
  const count = targets.reduce((sum, edges) => edges.reduce((all, tokens) => all + tokens.length, sum), 0);
  return (outputs) => {
    let loss = 0;
    const gradients = outputs.map((edges, tree) =>
      edges.map((values, edge) => {
        const olds = trees[tree]!.edges[edge]!.outputs!.critic!;
        const returns = targets[tree]![edge]!;
        const partials = new Float64Array(values.length);
        for (let t = 0; t < values.length; t++) {
          const value = values[t]!;
          const old = olds[t]!;
          const miss = value - returns[t]!;
          const clippedMiss = Math.min(Math.max(value, old - clip), old + clip) - returns[t]!;
          const squared = miss * miss;
          const clippedSquared = clippedMiss * clippedMiss;
          loss += Math.max(squared, clippedSquared) / 2 / count;
          // Where the clipped branch wins, the value no longer moves the loss.
          partials[t] = clippedSquared > squared ? 0 : miss / count;
        }
        return partials;
      }),
    );
    return { loss, gradients };
  };
}

/** 1 - Var(target - value) / Var(target); nothing if the targets do not vary. */
function explained(targets: Targets): (outputs: TokenValues) => { readonly explainedVariance?: number } {
  const all = Float64Array.from(targets.flat(2));
  const total = variance(all, 'population');
  if (!(total > 1e-12)) return () => ({});
  const left = new Float64Array(all.length);
  return (outputs) => {
    let at = 0;
    for (const edges of outputs) {
      for (const values of edges) {
        for (const value of values) {
          left[at] = all[at]! - value;
          at++;
        }
      }
    }
    return { explainedVariance: 1 - variance(left, 'population') / total };
  };
}
