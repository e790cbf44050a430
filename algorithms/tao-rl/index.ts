import { z } from 'zod';
import { mean, standardDeviation } from '../../core/statistics.ts';
import type { Algorithm, Credit } from '../algorithm.ts';
import { groupOptions, grpoAdvantages } from '../grpo/index.ts';
import { flatPlan } from '../shared/flat.ts';
import { objectiveOptions, toObjective } from '../shared/options.ts';
import { leaves, path, type RolloutTree, type TreeEdge } from '../tree.ts';

const schema = z
  .strictObject({
    ...groupOptions,
    /** Weight of the entropy shaping; 0: none. */
    coefficient: z.number().min(0).max(1).default(0.01),
    /**
     * Of the tokens after a tool result, those whose entropy reaches this quantile are shaped. 0: all of them, as
     * in the released code.
     */
    percentile: z.number().min(0).max(1).default(0.8),
    /** Share of a question's trajectories, those of greatest advantage, whose tokens may be shaped. */
    keepRatio: z.number().gt(0).max(1).default(1),
    /** Trajectories with an action that neither calls a tool nor ends the episode: not trained, or as others. */
    voidTurns: z.enum(['mask', 'keep']).default('mask'),
    /** Batches of questions that are sampled per iteration, at most, until enough questions can be used. */
    batches: z.int().min(1).max(1000).default(2),
    ...objectiveOptions({ aggregation: 'token-mean', dualClip: 3 }),
    clipHigh: z.number().positive().max(10).default(0.28),
  })
  .prefault({});

export type TaoRlOptions = z.infer<typeof schema>;

/** Groups whose returns have a smaller std are dropped, as in the code. */
const SMALLEST_SPREAD = 1e-3;

/** Added to the std of the entropies, as in the code. */
const EPSILON = 1e-8;

/** The q-quantile, linear between neighbours. */
function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const low = Math.floor(place);
  return sorted[low]! + (place - low) * (sorted[Math.ceil(place)]! - sorted[low]!);
}

/**
 * The factor 1 + coefficient (H_t - mean) / std on the advantage of every token: mean and std (population) over
 * all tokens, the factor on the tokens of eligible actions whose entropy reaches the quantile, 1 on the others.
 * @param entropies of every trained action's tokens.
 * @param eligible whether the action may be shaped.
 */
export function entropyFactors(
  entropies: readonly (readonly number[])[],
  eligible: readonly boolean[],
  { coefficient, percentile }: Pick<TaoRlOptions, 'coefficient' | 'percentile'>,
): readonly (readonly number[])[] {
  const all = entropies.flat();
  const candidates = entropies.filter((_, action) => eligible[action]).flat();
  // Equal entropies: exactly 1, so that rounding in the mean cannot be blown up by a small std.
  if (candidates.length === 0 || all.every((value) => value === all[0])) {
    return entropies.map((values) => values.map(() => 1));
  }
  const threshold = quantile(candidates, percentile);
  const center = mean(all);
  const scale = standardDeviation(all, 'population') + EPSILON;
  return entropies.map((values, action) =>
    values.map((value) =>
      eligible[action] && value >= threshold ? 1 + (coefficient * (value - center)) / scale : 1,
    ),
  );
}

interface Trajectory {
  readonly tree: number;
  readonly leaf: number;
  readonly edges: readonly TreeEdge[];
  readonly advantage: number;
  readonly isShaped: boolean;
}

/** GRPO's advantages; of each question the share `keepRatio` of greatest advantage may be shaped. */
function trajectoriesOf(tree: RolloutTree, index: number, options: TaoRlOptions): readonly Trajectory[] {
  const ends = leaves(tree);
  const advantages = grpoAdvantages(
    ends.map((leaf) => leaf.return),
    options,
  );
  const order = [...ends.keys()].sort((a, b) => advantages[b]! - advantages[a]! || a - b);
  const selected = new Set(order.slice(0, Math.ceil(ends.length * options.keepRatio)));
  return ends.map((leaf, i) => ({
    tree: index,
    leaf: leaf.id,
    edges: path(tree, leaf),
    advantage: advantages[i]!,
    isShaped: selected.has(i),
  }));
}

/** An action that neither called a tool nor ended the episode. */
const isVoid = (tree: RolloutTree, edge: TreeEdge): boolean =>
  edge.tool !== true && tree.nodes[edge.to]!.end === 'open';

function credit(trees: readonly RolloutTree[], options: TaoRlOptions): Credit {
  const trained = trees
    .flatMap((tree, index) => trajectoriesOf(tree, index, options))
    .filter(
      ({ tree, edges }) => options.voidTurns === 'keep' || !edges.some((edge) => isVoid(trees[tree]!, edge)),
    );
  const rows = trained.flatMap(({ edges, isShaped, ...rest }) =>
    // What follows a tool result is the action after the one that called the tool.
    edges.map((edge, i) => ({ ...rest, edge, isEligible: isShaped && edges[i - 1]?.tool === true })),
  );
  const factors = entropyFactors(
    rows.map(({ edge }) => edge.entropies),
    rows.map(({ isEligible }) => isEligible),
    options,
  );
  const actions = rows.map(({ tree, leaf, edge, advantage }, row) => ({
    tree,
    edge: edge.id,
    advantage: factors[row]!.map((factor) => advantage * factor),
    sequence: `${tree}/${leaf}`,
  }));
  return { actions };
}

/** Whether a question's returns are spread enough to be used. */
function isSpread(tree: RolloutTree): boolean {
  const returns = leaves(tree).map((leaf) => leaf.return);
  return returns.length === 1 || standardDeviation(returns, 'sample') >= SMALLEST_SPREAD;
}

/** Tool-Aware Optimization with Entropy Guidance (arXiv 2606.03762). */
export const taoRl: Algorithm<TaoRlOptions> = {
  id: 'tao-rl',
  description: {
    title: 'Tool-Aware Optimization with Entropy Guidance',
    paper: 'arXiv 2606.03762',
    granularity: 'token',
    evidence: 'code',
    extraSamples: 'further questions',
    trained: 'trajectories without void turns',
  },
  schema,
  next: (tree, options) => flatPlan(tree, options.groupSize),
  credit,
  objective: toObjective,
  resampling: ({ batches }) => ({ keep: isSpread, batches }),
  budget: (rollouts) => ({ groupSize: rollouts }),
};
