import { z } from 'zod';
import { mean } from '../../core/statistics.ts';
import type { Algorithm, CreditedAction, ForkPoint } from '../algorithm.ts';
import { groupOptions, grpoAdvantages } from '../grpo/index.ts';
import { byQuestion, trajectoryRows } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree, type TreeEdge } from '../tree.ts';

const schema = z
  .strictObject({
    ...groupOptions,
    /** Share of the group that has to answer without a tool; rounded, and at least one rollout is free to choose. */
    toolFree: z.number().min(0).max(1).default(0.25),
    /** eta: penalty per redundant tool call of a correct rollout, on a question that is always answered. */
    penalty: z.number().min(0).max(10).default(0.1),
    /** Return from which on a rollout is correct. */
    correct: z.number().default(1),
    /** kappa: how far a token's weight follows the policy's confidence in it; 0: all tokens weigh 1. */
    confidence: z.number().min(0).max(1).default(0.5),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }),
  })
  .prefault({});

export type EapoOptions = z.infer<typeof schema>;

/** G rollouts from the start, of which a share has to answer at once. */
export function eapoPlan(tree: RolloutTree, { groupSize, toolFree }: EapoOptions): readonly ForkPoint[] {
  if (tree.edges.length > 0) return [];
  const without = Math.min(groupSize - 1, Math.round(toolFree * groupSize));
  return Array.from({ length: groupSize }, (_, i) =>
    i < groupSize - without ? { node: 0 } : { node: 0, begin: 'answer' as const },
  );
}

/**
 * [R] R' = R - eta (1 - d) max(0, calls - fewest calls) for correct rollouts, R for the others; d is the share of
 * the group that failed, the fewest calls are those of its correct rollouts.
 * @param rollouts returns and tool calls of one question's rollouts.
 */
export function eapoReturns(
  rollouts: readonly { readonly return: number; readonly calls: number }[],
  options: Pick<EapoOptions, 'penalty' | 'correct'>,
): readonly number[] {
  const correct = rollouts.filter((rollout) => rollout.return >= options.correct);
  const fewest = Math.min(...correct.map(({ calls }) => calls));
  const ease = correct.length / rollouts.length; // 1 - d
  return rollouts.map(({ return: value, calls }) =>
    value >= options.correct ? value - options.penalty * ease * Math.max(0, calls - fewest) : value,
  );
}

/**
 * [R] w_t = 1 + kappa (p_t - mean p), p the probability that the token was drawn with and the mean over all of the
 * question's drawn tokens, so that the weights of those have mean 1. Forced tokens weigh 0.
 */
function confidenceWeights(
  edges: readonly TreeEdge[],
  confidence: number,
): (edge: TreeEdge) => readonly number[] {
  const drawn = edges.flatMap(({ logProbs, forced }) => logProbs.slice(forced ?? 0).map(Math.exp));
  const center = mean(drawn);
  return ({ logProbs, forced }) =>
    logProbs.map((logProb, t) => (t < (forced ?? 0) ? 0 : 1 + confidence * (Math.exp(logProb) - center)));
}

function credit(tree: RolloutTree, index: number, options: EapoOptions): readonly CreditedAction[] {
  const rollouts = leaves(tree).map((leaf) => ({
    return: leaf.return,
    calls: path(tree, leaf).filter(({ tool }) => tool).length,
  }));
  const advantages = grpoAdvantages(eapoReturns(rollouts, options), options);
  const weightsOf = confidenceWeights(tree.edges, options.confidence);
  return trajectoryRows(tree, index, (i, edge) => ({
    advantage: advantages[i]!,
    weights: weightsOf(edge),
  }));
}

/** EAPO, "Learning When Not to Act" (arXiv 2606.02132), reconstructed. */
export const eapo: Algorithm<EapoOptions> = {
  id: 'eapo',
  description: {
    title: 'EAPO: Learning When Not to Act',
    paper: 'arXiv 2606.02132',
    granularity: 'token',
    evidence: 'reconstruction',
    extraSamples: 'tool-free rollouts, in the group',
    trained: 'all but forced beginnings',
  },
  schema,
  next: eapoPlan,
  credit: byQuestion(credit),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
