import { z } from 'zod';
import { areEqual } from '../../core/statistics.ts';
import type { Algorithm, CreditedAction } from '../algorithm.ts';
import { groupOptions, grpoAdvantages } from '../grpo/index.ts';
import { byQuestion, flatPlan, trajectoryRows } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree } from '../tree.ts';

const schema = z
  .strictObject({
    ...groupOptions,
    /**
     * Dynamic sampling, which questions are used: 'returns' those whose rollouts' returns are not all equal;
     * 'correct' those with at least one correct and one wrong rollout; 'none' all of them.
     */
    filter: z.enum(['returns', 'correct', 'none']).default('returns'),
    /** Return from which on a rollout is correct, for `filter: 'correct'`. */
    correct: z.number().default(1),
    /** Batches of questions that are sampled per iteration, at most, until enough questions can be used. */
    batches: z.int().min(1).max(1000).default(10),
    /** L_max: generated tokens of a trajectory from which on the length penalty is full; null: no penalty. */
    maxLength: z.int().min(1).nullable().default(20_480),
    /** L_cache: the penalty grows over that many tokens before L_max. */
    cache: z.int().min(1).default(4096),
    ...objectiveOptions({ aggregation: 'token-mean' }),
    clipHigh: z.number().positive().max(10).default(0.28),
  })
  .refine(({ maxLength, cache }) => maxLength === null || cache <= maxLength, {
    path: ['cache'],
    error: 'must be at most maxLength',
  })
  .prefault({});

export type DapoOptions = z.infer<typeof schema>;

/** Soft overlong punishment (Eq. 13): 0 up to L_max - L_cache tokens, falling evenly to -1 at L_max, -1 beyond. */
export function overlongPenalty(
  length: number,
  { maxLength, cache }: Pick<DapoOptions, 'maxLength' | 'cache'>,
): number {
  if (maxLength === null) return 0;
  const excess = length - (maxLength - cache);
  return excess <= 0 ? 0 : -Math.min(1, excess / cache);
}

/** Whether a question's rollouts teach anything (Eq. 11). A single rollout is kept, as in the code. */
export function isInformative(tree: RolloutTree, { filter, correct }: DapoOptions): boolean {
  const ends = leaves(tree);
  if (filter === 'none' || ends.length === 1) return true;
  return !areEqual(ends.map((leaf) => (filter === 'correct' ? Number(leaf.return >= correct) : leaf.return)));
}

/** GRPO's advantages (Eq. 9) of the returns with the length penalty, for every token of the trajectory. */
function credit(tree: RolloutTree, index: number, options: DapoOptions): readonly CreditedAction[] {
  // Where actions are listed, an action is one token whatever it says: there is no length to shape.
  const isText = tree.nodes[0]!.prompt.actions === undefined;
  const advantages = grpoAdvantages(
    leaves(tree).map((leaf) => {
      const length = path(tree, leaf).reduce((sum, { tokens }) => sum + tokens.length, 0);
      return leaf.return + (isText ? overlongPenalty(length, options) : 0);
    }),
    options,
  );
  return trajectoryRows(tree, index, (i) => ({ advantage: advantages[i]! }));
}

/** DAPO (arXiv 2503.14476): clip-higher, dynamic sampling, a mean over tokens and soft overlong punishment. */
export const dapo: Algorithm<DapoOptions> = {
  id: 'dapo',
  description: {
    title: 'Decoupled Clip and Dynamic Sampling Policy Optimization',
    paper: 'arXiv 2503.14476',
    granularity: 'trajectory',
    evidence: 'code',
    extraSamples: 'further questions',
    trained: 'questions whose rollouts differ',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: byQuestion(credit),
  objective: toObjective,
  resampling: (options) => ({ keep: (tree) => isInformative(tree, options), batches: options.batches }),
  budget: (rollouts) => ({ groupSize: rollouts }),
};
