import type { ForkPoint } from '../algorithm.ts';
import { zScores } from '../shared/group.ts';
import { leaves, path, type RolloutTree } from '../tree.ts';

/** Options of the Branching Score. */
export interface BranchingOptions {
  readonly score: 'both' | 'entropy' | 'future';
  readonly future: 'previous' | 'recomputed';
  readonly gamma: number;
  readonly horizon: number | null;
  readonly futureClip: number;
  readonly keepToken: boolean;
}

/** A token of an initial rollout, and what it would be to branch at it. */
export interface Candidate {
  readonly point: ForkPoint;
  /** Which initial rollout it is in. */
  readonly row: number;
  readonly score: number;
  /** z-score of the entropy: decides between equal scores. */
  readonly entropy: number;
  /** Every part of the score is above the rollout's average. */
  readonly strict: boolean;
}

/**
 * log current - log rollout of the tokens of a rollout, summed from each token on (Future Value's exponent):
 * F_t = sum over k >= t of gamma^(p_k - p_t) lr_k, over tokens at most `horizon` places on.
 * @param ratios lr of every token.
 * @param places where the tokens stand in the context, ascending: observations lie in between.
 */
export function futureSums(
  ratios: readonly number[],
  places: readonly number[],
  { gamma, horizon }: Pick<BranchingOptions, 'gamma' | 'horizon'>,
): readonly number[] {
  return ratios.map((_, t) => {
    let sum = 0;
    for (let k = t; k < ratios.length; k++) {
      const distance = places[k]! - places[t]!;
      if (horizon !== null && distance > horizon) break;
      sum += gamma ** distance * ratios[k]!;
    }
    return sum;
  });
}

/** FV_t = exp(F_t), F within +-20, cut to [1 - clip, 1 + clip]. */
export function futureValues(sums: readonly number[], clip: number): readonly number[] {
  return sums.map((sum) =>
    Math.min(Math.max(Math.exp(Math.min(Math.max(sum, -20), 20)), 1 - clip), 1 + clip),
  );
}

/** BS_t = Z(entropy_t) Z(FV_t) of all tokens of the initial rollouts at which a branch could start. */
export function candidates(tree: RolloutTree, options: BranchingOptions): readonly Candidate[] {
  const ends = leaves(tree).filter(({ parent }) => tree.edges[parent!]!.round === 0);
  return ends.flatMap((leaf, row) => {
    const edges = path(tree, leaf);
    const tokens = edges.flatMap((edge) => edge.tokens.map((_, t) => ({ edge, t })));
    let seen = 0;
    const places = edges.flatMap((edge) => {
      const start = tree.nodes[edge.from]!.prompt.tokens?.length ?? seen;
      seen += edge.tokens.length;
      return edge.tokens.map((_, t) => start + t);
    });
    const entropy = scored(tokens.map(({ edge, t }) => edge.entropies[t]!));
    // Entropy alone needs no ratios, and nobody has measured them.
    const hasRatios = options.future === 'previous' && options.score !== 'entropy';
    const ratios = tokens.map(({ edge, t }) => (hasRatios ? edge.logProbs[t]! - edge.previous![t]! : 0));
    const future = scored(futureValues(futureSums(ratios, places, options), options.futureClip));
    return tokens.flatMap(({ edge, t }, index): readonly Candidate[] => {
      const point = forkPoint(tree, edge.id, options.keepToken ? t + 1 : t);
      if (point === undefined || edge.pieces![t]!.trim() === '') return [];
      const parts = { both: [entropy, future], entropy: [entropy], future: [future] }[options.score];
      const values = parts.map((part) => part[index]!);
      return [
        {
          point,
          row,
          score: values.reduce((product, value) => product * value, 1),
          entropy: entropy[index]!,
          strict: values.every((value) => value > 0),
        },
      ];
    });
  });
}

const scored = (values: readonly number[]): readonly number[] => zScores(values, 'population', 1e-6);

/** Where a rollout starts that keeps the first `kept` tokens of an action; undefined if the episode has ended. */
function forkPoint(tree: RolloutTree, id: number, kept: number): ForkPoint | undefined {
  const edge = tree.edges[id]!;
  if (kept === 0) return { node: edge.from };
  if (kept < edge.tokens.length) return { edge: id, tokens: kept };
  return tree.nodes[edge.to]!.end === 'open' ? { node: edge.to } : undefined;
}

/**
 * The best `count` candidates: those that are above average in every part by their score, then any by their score;
 * where there are fewer, the selected ones again from the first. Without candidates, the start.
 */
export function selectBranches(found: readonly Candidate[], count: number): readonly ForkPoint[] {
  const ranked = found.toSorted(
    (a, b) => Number(b.strict) - Number(a.strict) || b.score - a.score || b.entropy - a.entropy,
  );
  return Array.from({ length: count }, (_, i) =>
    ranked.length === 0 ? { node: 0 } : ranked[i % Math.min(count, ranked.length)]!.point,
  );
}
