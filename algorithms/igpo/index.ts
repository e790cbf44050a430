import { z } from 'zod';
import type { Algorithm, CreditedAction } from '../algorithm.ts';
import { byQuestion, flatPlan } from '../shared/flat.ts';
import { centred, zScores } from '../shared/group.ts';
import { gainTurns, turnCredit } from '../shared/information-gain.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { toGo } from '../shared/to-go.ts';
import { leaves, type RolloutTree } from '../tree.ts';
import { returnsByPosition } from './positions.ts';

const schema = z
  .strictObject({
    /** Rollouts per question. */
    groupSize: z.int().min(1).max(4096).default(16),
    /** A turn's gain in the accepted answer's 'probability' (geometric mean per token), or its 'log'. */
    gain: z.enum(['probability', 'log']).default('probability'),
    /**
     * What is compared with what. 'position': returns to go at the same token of the trajectories, an ended one
     * counting 0 there (released first). 'turn': returns to go at the same turn, of those that have it. 'joint':
     * all gains and outcomes of the question, before they are summed (released later); 'separate': gains among
     * gains, outcomes among outcomes.
     */
    statistics: z.enum(['position', 'turn', 'joint', 'separate']).default('position'),
    /** What the differences are divided by: nothing, or the sample's or population's standard deviation. */
    std: z.enum(['none', 'sample', 'population']).default('none'),
    /** Discount per turn of what comes later. */
    gamma: z.number().min(0).max(1).default(1),
    /** Added to the standard deviation. */
    epsilon: z.number().min(0).default(1e-6),
    ...objectiveOptions({ aggregation: 'token-mean' }),
  })
  .prefault({});

export type IgpoOptions = z.infer<typeof schema>;

/** Values minus their mean, over their standard deviation if asked. Equal values give exactly 0. */
export function normalised(
  values: readonly number[],
  { std, epsilon }: Pick<IgpoOptions, 'std' | 'epsilon'>,
): readonly number[] {
  return std === 'none' ? centred(values) : zScores(values, std, epsilon);
}

/**
 * The advantage of every turn under the statistics that do not look at tokens.
 * @param rewards of every turn of every trajectory: gains, and last the outcome.
 */
export function igpoTurns(
  rewards: readonly (readonly number[])[],
  options: IgpoOptions,
): readonly (readonly number[])[] {
  const { statistics, gamma } = options;
  if (statistics === 'turn') {
    const returns = rewards.map((turns) => toGo(turns, gamma));
    return regrouped(returns, (_, k) => k, options);
  }
  const isOutcome = (i: number, k: number): number =>
    statistics === 'separate' && k === rewards[i]!.length - 1 ? 1 : 0;
  return regrouped(rewards, isOutcome, options).map((turns) => toGo(turns, gamma));
}

/** Normalises the values of every group, wherever its members are. */
function regrouped(
  values: readonly (readonly number[])[],
  groupOf: (i: number, k: number) => number,
  options: IgpoOptions,
): readonly (readonly number[])[] {
  const groups = new Map<number, number[]>();
  for (const [i, turns] of values.entries()) {
    for (const [k, value] of turns.entries()) {
      groups.set(groupOf(i, k), [...(groups.get(groupOf(i, k)) ?? []), value]);
    }
  }
  const results = new Map([...groups].map(([key, members]) => [key, [...normalised(members, options)]]));
  // Members come back in the order in which they went in.
  return values.map((turns, i) => turns.map((_, k) => results.get(groupOf(i, k))!.shift()!));
}

function credit(tree: RolloutTree, index: number, options: IgpoOptions): readonly CreditedAction[] {
  const ends = leaves(tree);
  const turns = ends.map((leaf) =>
    gainTurns(tree, leaf, { ends: 'tool', baseline: 'root', scale: options.gain }),
  );
  const rewards = turns.map((parts, i) => parts.map(({ gain }) => gain ?? ends[i]!.return));
  const advantageOf =
    options.statistics === 'position'
      ? returnsByPosition(
          tree,
          turns,
          rewards.map((values) => toGo(values, options.gamma)),
          (values) => normalised(values, options),
        )
      : turnwise(igpoTurns(rewards, options));
  return turnCredit(tree, index, turns, (i, k, { id }) => ({ advantage: advantageOf(i, k, id) }));
}

const turnwise =
  (advantages: readonly (readonly number[])[]) =>
  (i: number, k: number): number =>
    advantages[i]![k]!;

/** Information Gain-based Policy Optimization (arXiv 2510.14967). */
export const igpo: Algorithm<IgpoOptions> = {
  id: 'igpo',
  description: {
    title: 'Information Gain-based Policy Optimization',
    paper: 'arXiv 2510.14967',
    granularity: 'action',
    evidence: 'code',
    extraSamples: 'none (the gold answer is scored per turn)',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: byQuestion(credit),
  objective: toObjective,
  needs: () => ['gold'],
  budget: (rollouts) => ({ groupSize: rollouts }),
};
