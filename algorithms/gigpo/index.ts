import { z } from 'zod';
import { standardDeviation } from '../../core/statistics.ts';
import type { Algorithm, CreditedAction } from '../algorithm.ts';
import { byQuestion, flatPlan, trajectoryRows } from '../shared/flat.ts';
import { normaliser } from '../shared/group.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { toGo } from '../shared/to-go.ts';
import { leaves, path, type RolloutTree, returnsOf } from '../tree.ts';
import { anchorGroups } from './anchors.ts';

const schema = z
  .strictObject({
    /** Rollouts per question, N. */
    groupSize: z.int().min(1).max(4096).default(16),
    /** Discount of the return that a step is judged by. */
    gamma: z.number().min(0).max(1).default(0.95),
    /** Weight of the step advantage beside the episode advantage. */
    omega: z.number().min(0).default(1),
    /** 'std': both advantages are divided by their group's sample standard deviation; 'mean': by nothing. */
    norm: z.enum(['std', 'mean']).default('std'),
    /** Added to the standard deviation. */
    epsilon: z.number().min(0).default(1e-6),
    /**
     * What the episode advantage's mean and std are taken over: 'trajectories' (the paper), or 'steps', where a
     * trajectory counts once per step (verl-agent's default).
     */
    statistics: z.enum(['trajectories', 'steps']).default('trajectories'),
    /** Word similarity from which on two observations are one state; null: only the same text is. */
    similarity: z.number().gt(0).max(1).nullable().default(null),
    /** Episode advantage of a group of one trajectory: its return ('raw') or 0 ('zero'). */
    singleton: z.enum(['raw', 'zero']).default('raw'),
    ...objectiveOptions({ aggregation: 'token-mean' }),
  })
  .prefault({});

export type GigpoOptions = z.infer<typeof schema>;

/** Places a value in its group: see `normaliser`. */
function placeIn(group: readonly number[], { norm, epsilon }: GigpoOptions): (value: number) => number {
  return normaliser(group, (values) => (norm === 'std' ? standardDeviation(values, 'sample') + epsilon : 1));
}

/**
 * Episode advantages, Eq. 3: the return of every trajectory in its group.
 * @param returns undiscounted, one per trajectory of a question.
 * @param steps the number of actions of each.
 */
export function episodeAdvantages(
  returns: readonly number[],
  steps: readonly number[],
  options: GigpoOptions,
): readonly number[] {
  if (returns.length === 1) return options.singleton === 'raw' ? returns : [0];
  const rows =
    options.statistics === 'trajectories'
      ? returns
      : returns.flatMap((value, index) => Array.from({ length: steps[index]! }, () => value));
  return returns.map(placeIn(rows, options));
}

/**
 * Step advantages, Eq. 5 to 7: the discounted return from each step on, in the group of all steps of the question
 * that read the same observation.
 * @param rewards of every step of every trajectory.
 * @param observations what was read before each of them.
 * @returns in the shape of `rewards`. Steps that are alone in their group have 0.
 */
export function stepAdvantages(
  rewards: readonly (readonly number[])[],
  observations: readonly (readonly string[])[],
  options: GigpoOptions,
): readonly (readonly number[])[] {
  const discounted = rewards.map((steps) => toGo(steps, options.gamma));
  const groups = anchorGroups(observations.flat(), options.similarity);
  const members = new Map<number, number[]>();
  for (const [step, value] of discounted.flat().entries()) {
    const values = members.get(groups[step]!);
    if (values === undefined) members.set(groups[step]!, [value]);
    else values.push(value);
  }
  const placed = new Map([...members].map(([group, values]) => [group, placeIn(values, options)]));
  let step = 0;
  return discounted.map((values) => values.map((value) => placed.get(groups[step++]!)!(value)));
}

/** Eq. 8: A = episode advantage + omega * step advantage. One row of the loss per step. */
function gigpoCredit(tree: RolloutTree, index: number, options: GigpoOptions): readonly CreditedAction[] {
  const paths = leaves(tree).map((leaf) => path(tree, leaf));
  const episode = episodeAdvantages(
    returnsOf(tree),
    paths.map((edges) => edges.length),
    options,
  );
  const step = stepAdvantages(
    paths.map((edges) => edges.map((edge) => edge.reward)),
    paths.map((edges) => edges.map((edge) => tree.nodes[edge.from]!.prompt.text)),
    options,
  );
  return trajectoryRows(tree, index, (i, edge, t) => ({
    advantage: episode[i]! + options.omega * step[i]![t]!,
    sequence: `${index}/${edge.id}`,
  }));
}

/** Group-in-Group Policy Optimization (arXiv 2505.10978). */
export const gigpo: Algorithm<GigpoOptions> = {
  id: 'gigpo',
  description: {
    title: 'Group-in-Group Policy Optimization',
    paper: 'arXiv 2505.10978',
    granularity: 'action',
    evidence: 'code',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: byQuestion(gigpoCredit),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
