import { z } from 'zod';
import { standardDeviation } from '../../core/statistics.ts';
import type { Algorithm, CreditedAction } from '../algorithm.ts';
import { byQuestion, flatPlan } from '../shared/flat.ts';
import { normaliser } from '../shared/group.ts';
import { gainsOf, gainTurns, turnCredit } from '../shared/information-gain.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { toGo } from '../shared/to-go.ts';
import { leaves, type RolloutTree, returnsOf } from '../tree.ts';

const schema = z
  .strictObject({
    /** Rollouts per question. */
    groupSize: z.int().min(1).max(4096).default(16),
    /** Weight of the information gain beside the outcome. */
    alpha: z.number().min(0).default(0.3),
    /** Discount of the gains of later turns. */
    gamma: z.number().min(0).max(1).default(1),
    /**
     * What the first gain is compared with: 'first', the state after the first search, so that K searches have
     * K - 1 gains (the released code); or 'root', the state before any, so that they have K.
     */
    baseline: z.enum(['first', 'root']).default('first'),
    /** How far the clip range follows the gain: its factor lies in (1 - clipAdapt, 1 + clipAdapt). 0: not at all. */
    clipAdapt: z.number().min(0).lt(1).default(0.3),
    /** Added to both standard deviations. */
    epsilon: z.number().min(0).default(1e-6),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }),
    /** The ratio of an action, a geometric mean, is clipped to [1 - clipLow c, 1 + clipHigh c]. */
    clipLow: z.number().positive().max(1).default(3e-3),
    clipHigh: z.number().positive().max(10).default(4e-3),
  })
  .prefault({});

export type A2tgpoOptions = z.infer<typeof schema>;

/** Added to the variance, as the released code does. */
const VARIANCE_EPSILON = 1e-8;

/** (x - mean) / (sqrt(population variance + 1e-8) + epsilon). Equal values, a single one included, give exactly 0. */
function zScores(values: readonly number[], epsilon: number): readonly number[] {
  const scaleOf = (group: readonly number[]): number =>
    Math.sqrt(standardDeviation(group, 'population') ** 2 + VARIANCE_EPSILON) + epsilon;
  return values.map(normaliser(values, scaleOf));
}

/** What every turn of a trajectory gets. */
interface TurnCredit {
  readonly advantage: number;
  /** c, the factor on the clip range. */
  readonly clipScale: number;
}

/**
 * The credit of every turn of one question's trajectories, the last (which has no gain) included.
 * @param gains of each trajectory's turns. @param returns of the trajectories.
 */
export function a2tgpoTurns(
  gains: readonly (readonly number[])[],
  returns: readonly number[],
  { alpha, gamma, clipAdapt, epsilon }: A2tgpoOptions,
): readonly (readonly TurnCredit[])[] {
  // Turn-group normalisation: the same index of all trajectories that come so far.
  const normalised = gains.map((values) => [...values]);
  const longest = gains.reduce((length, values) => Math.max(length, values.length), 0);
  for (let t = 0; t < longest; t++) {
    const members = [...gains.keys()].filter((i) => gains[i]!.length > t);
    const scores = zScores(
      members.map((i) => gains[i]![t]!),
      epsilon,
    );
    for (const [place, i] of members.entries()) normalised[i]![t] = scores[place]!;
  }
  const outcomes = zScores(returns, epsilon);
  return normalised.map((scores, i) => {
    // D_t = nIG_t + gamma D_{t+1}, rescaled by the root of the number of its terms.
    const turns = toGo(scores, gamma).map((sum, t): TurnCredit => {
      const advantage = (alpha * sum) / Math.sqrt(scores.length - t) + outcomes[i]!;
      const sigmoid = 1 / (1 + Math.exp(-scores[t]!));
      return { advantage, clipScale: 1 + clipAdapt * (2 * sigmoid - 1) };
    });
    return [...turns, { advantage: outcomes[i]!, clipScale: 1 }];
  });
}

function credit(tree: RolloutTree, index: number, options: A2tgpoOptions): readonly CreditedAction[] {
  const turns = leaves(tree).map((leaf) =>
    gainTurns(tree, leaf, { ends: 'tool', baseline: options.baseline, scale: 'log' }),
  );
  const credits = a2tgpoTurns(turns.map(gainsOf), returnsOf(tree), options);
  return turnCredit(tree, index, turns, (i, t) => credits[i]![t]!);
}

/** Agentic Turn-Group Policy Optimization (arXiv 2605.06200), the released `turn-group-v1d`. */
export const a2tgpo: Algorithm<A2tgpoOptions> = {
  id: 'a2tgpo',
  description: {
    title: 'Agentic Turn-Group Policy Optimization',
    paper: 'arXiv 2605.06200',
    granularity: 'action',
    evidence: 'code',
    extraSamples: 'none (the gold answer is scored per turn)',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: byQuestion(credit),
  objective: (options) => ({ ...toObjective(options), ratio: 'action' }),
  needs: () => ['gold'],
  budget: (rollouts) => ({ groupSize: rollouts }),
};
