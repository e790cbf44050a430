import { z } from 'zod';
import type { Algorithm, CreditedAction } from '../algorithm.ts';
import { groupOptions, grpoAdvantages } from '../grpo/index.ts';
import { byQuestion, flatPlan } from '../shared/flat.ts';
import { zScores } from '../shared/group.ts';
import { type GainTurn, gainsOf, gainTurns, turnCredit } from '../shared/information-gain.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, type RolloutTree, returnsOf } from '../tree.ts';

const schema = z
  .strictObject({
    ...groupOptions,
    /** Weight of the progress beside the outcome. */
    lambda: z.number().min(0).default(0.3),
    /** 'additive': A + lambda z; 'multiplicative': A (1 + lambda sign(A) z). */
    mixture: z.enum(['additive', 'multiplicative']).default('additive'),
    /** Segments per trajectory at most: turns are put together where there are more. null: every turn is one. */
    segments: z.int().min(1).nullable().default(null),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }),
  })
  .prefault({});

export type GrpoVpsOptions = z.infer<typeof schema>;

/** At most `limit` segments of as many turns each as can be; gains add up. The last turn stays alone. */
export function merged(turns: readonly GainTurn[], limit: number | null): readonly GainTurn[] {
  const measured = turns.slice(0, -1);
  if (limit === null || measured.length <= limit) return turns;
  const segments = Array.from({ length: limit }, (_, s) => {
    const parts = measured.filter((_turn, t) => Math.floor((t * limit) / measured.length) === s);
    return {
      edges: parts.flatMap(({ edges }) => edges),
      gain: gainsOf(parts).reduce((sum, gain) => sum + gain, 0),
    };
  });
  return [...segments, turns.at(-1)!];
}

/**
 * The advantage of every segment of one question's trajectories, the last (without progress) included.
 * @param progress Delta_k = p_k - p_{k-1} of each segment. @param outcomes GRPO's advantages.
 */
export function vpsAdvantages(
  progress: readonly (readonly number[])[],
  outcomes: readonly number[],
  { lambda, mixture, std, epsilon }: GrpoVpsOptions,
): readonly (readonly number[])[] {
  // Normalised over all segments of the question; equal ones, a single one included, give 0.
  const scores = [...zScores(progress.flat(), std, epsilon)];
  return progress.map((segments, i) => {
    const outcome = outcomes[i]!;
    const refined = scores
      .splice(0, segments.length)
      .map((score) =>
        mixture === 'additive'
          ? outcome + lambda * score
          : outcome * (1 + lambda * Math.sign(outcome) * score),
      );
    return [...refined, outcome];
  });
}

function credit(tree: RolloutTree, index: number, options: GrpoVpsOptions): readonly CreditedAction[] {
  const segments = leaves(tree).map((leaf) =>
    merged(
      gainTurns(tree, leaf, { ends: 'action', baseline: 'root', scale: 'probability' }),
      options.segments,
    ),
  );
  const advantages = vpsAdvantages(segments.map(gainsOf), grpoAdvantages(returnsOf(tree), options), options);
  return turnCredit(tree, index, segments, (i, k) => ({ advantage: advantages[i]![k]! }));
}

/** GRPO with verifiable process supervision (arXiv 2604.20659), a reconstruction. */
export const grpoVps: Algorithm<GrpoVpsOptions> = {
  id: 'grpo-vps',
  description: {
    title: 'GRPO with Verifiable Process Supervision',
    paper: 'arXiv 2604.20659',
    granularity: 'action',
    evidence: 'reconstruction',
    extraSamples: 'none (the gold answer is scored per turn)',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit: byQuestion(credit),
  objective: toObjective,
  needs: () => ['gold'],
  budget: (rollouts) => ({ groupSize: rollouts }),
};
