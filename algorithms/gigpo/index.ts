import { z } from 'zod';
import type { Algorithm, CreditedAction } from '../algorithm.ts';
import { flatPlan } from '../shared/flat.ts';
import { mean, standardDeviation } from '../shared/group.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree } from '../tree.ts';
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

/** Places a value in its group. A group of equal values, of one included, gives exactly 0. */
function zScore(group: readonly number[], options: GigpoOptions): (value: number) => number {
  if (group.every((value) => value === group[0])) return () => 0;
  const center = mean(group);
  const scale = options.norm === 'std' ? standardDeviation(group, 'sample') + options.epsilon : 1;
  return (value) => (value - center) / scale;
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
  return returns.map(zScore(rows, options));
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
  const toGo = rewards.map((steps) => {
    const result = [...steps];
    for (let t = result.length - 2; t >= 0; t--) result[t]! += options.gamma * result[t + 1]!;
    return result;
  });
  const groups = anchorGroups(observations.flat(), options.similarity);
  const members = new Map<number, number[]>();
  for (const [step, value] of toGo.flat().entries()) {
    const values = members.get(groups[step]!);
    if (values === undefined) members.set(groups[step]!, [value]);
    else values.push(value);
  }
  const zScores = new Map([...members].map(([group, values]) => [group, zScore(values, options)]));
  let step = 0;
  return toGo.map((values) => values.map((value) => zScores.get(groups[step++]!)!(value)));
}

/** Eq. 8: A = episode advantage + omega * step advantage. One row of the loss per step. */
function gigpoCredit(tree: RolloutTree, index: number, options: GigpoOptions): readonly CreditedAction[] {
  const ends = leaves(tree);
  const paths = ends.map((leaf) => path(tree, leaf));
  const episode = episodeAdvantages(
    ends.map((leaf) => leaf.return),
    paths.map((edges) => edges.length),
    options,
  );
  const step = stepAdvantages(
    paths.map((edges) => edges.map((edge) => edge.reward)),
    paths.map((edges) => edges.map((edge) => tree.nodes[edge.from]!.prompt.text)),
    options,
  );
  return paths.flatMap((edges, i) =>
    edges.map((edge, t) => ({
      tree: index,
      edge: edge.id,
      advantage: episode[i]! + options.omega * step[i]![t]!,
      sequence: `${index}/${edge.id}`,
    })),
  );
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
  credit: (trees, options) => ({
    actions: trees.flatMap((tree, index) => gigpoCredit(tree, index, options)),
  }),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
