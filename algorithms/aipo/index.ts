import { z } from 'zod';
import { mean } from '../../core/statistics.ts';
import type { Algorithm, CreditedAction, ForkPoint } from '../algorithm.ts';
import { groupOptions, grpoAdvantages } from '../grpo/index.ts';
import { byQuestion, trajectoryRows } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree, returnsOf, type TreeEdge } from '../tree.ts';

const schema = z
  .strictObject({
    ...groupOptions,
    /** Share of the group in which an expert takes one action; rounded, and at least one rollout is the policy's own. */
    expert: z.number().min(0).max(1).default(0.25),
    /**
     * Which action: 'root' the first; 'failure' the one at the most uncertain state of a failed rollout, after all
     * rollouts of the policy's own have ended.
     */
    at: z.enum(['root', 'failure']).default('root'),
    /** Return from which on a rollout has not failed. */
    correct: z.number().default(1),
    /**
     * How the expert's tokens are trained: 'shaped' by p / (p + gamma); 'ratio' like the policy's own but without
     * a clip; 'none' not at all.
     */
    forced: z.enum(['shaped', 'ratio', 'none']).default('shaped'),
    /** gamma of 'shaped'. */
    gamma: z.number().positive().max(100).default(0.1),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-mean' }),
  })
  .prefault({});

export type AipoOptions = z.infer<typeof schema>;

/** Multiplies the clip range of tokens that are not to be clipped. */
const NO_CLIP = 1e9;

/** [R] The policy's own rollouts and those with an expert; with 'failure' the latter come in a second call. */
export function aipoPlan(tree: RolloutTree, options: AipoOptions): readonly ForkPoint[] {
  const expertRollouts = Math.min(options.groupSize - 1, Math.round(options.expert * options.groupSize));
  const own: readonly ForkPoint[] = Array.from({ length: options.groupSize - expertRollouts }, () => ({
    node: 0,
  }));
  if (tree.edges.length > 0) {
    const isDone = options.at === 'root' || tree.edges.some(({ round }) => round > 0);
    return isDone ? [] : afterFailures(tree, options, expertRollouts);
  }
  if (options.at === 'failure') return own;
  return [...own, ...Array.from({ length: expertRollouts }, () => ({ node: 0, begin: 'expert' as const }))];
}

/**
 * The expert acts once in every failed rollout, the most uncertain first, and begins again with that one when all have
 * had their turn. If none failed, the rest of the group is the policy's own, too.
 */
function afterFailures(
  tree: RolloutTree,
  { correct }: Pick<AipoOptions, 'correct'>,
  expertRollouts: number,
): readonly ForkPoint[] {
  const uncertain = leaves(tree)
    .filter((leaf) => leaf.return < correct)
    .map((leaf) => path(tree, leaf).reduce((a, b) => (entropy(b) > entropy(a) ? b : a)))
    .sort((a, b) => entropy(b) - entropy(a) || a.id - b.id);
  return Array.from({ length: expertRollouts }, (_, i) =>
    uncertain.length === 0
      ? { node: 0 }
      : { node: uncertain[i % uncertain.length]!.from, begin: 'expert' as const },
  );
}

const entropy = ({ entropies }: TreeEdge): number => mean(entropies);

/** How the tokens of an expert's action enter the loss. */
function forcedRow(
  { tokens }: TreeEdge,
  { forced, gamma }: AipoOptions,
): Pick<CreditedAction, 'offPolicy' | 'clipScale' | 'weights'> {
  if (forced === 'shaped') return { offPolicy: gamma };
  return forced === 'ratio' ? { clipScale: NO_CLIP } : { weights: tokens.map(() => 0) };
}

/** GRPO's advantages over the whole group, those with an expert included. */
function credit(tree: RolloutTree, index: number, options: AipoOptions): readonly CreditedAction[] {
  const advantages = grpoAdvantages(returnsOf(tree), options);
  return trajectoryRows(tree, index, (i, edge) => ({
    advantage: advantages[i]!,
    ...(edge.begin === 'expert' ? forcedRow(edge, options) : {}),
  }));
}

/** AIPO (arXiv 2605.08401), reconstructed: in some rollouts of the group an expert takes one action. */
export const aipo: Algorithm<AipoOptions> = {
  id: 'aipo',
  description: {
    title: 'AIPO: asking an expert while exploring',
    paper: 'arXiv 2605.08401',
    granularity: 'trajectory',
    evidence: 'reconstruction',
    extraSamples: 'expert actions, in the group',
    trained: 'all, forced tokens off-policy',
  },
  schema,
  next: aipoPlan,
  credit: byQuestion(credit),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};
