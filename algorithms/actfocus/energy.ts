import { mean, standardDeviation } from '../../core/statistics.ts';
import { leaves, type RolloutTree, type TreeEdge } from '../tree.ts';

/** How tokens are re-weighted. */
export interface EnergyOptions {
  /** Weight of a reasoning token, at least 0. */
  readonly reasoning: number;
  /** How far the energy moves the weight of an action token, in [0, 1). */
  readonly alpha: number;
}

/**
 * Which tokens of an action are reasoning: all up to the one that completes the first '</think>'. Where a thought was
 * begun and never ended, all are; without any tag, as when actions are listed, none is.
 */
export function reasoningTokens({ tokens, pieces }: TreeEdge): readonly boolean[] {
  const text = pieces!.join('');
  const end = text.indexOf('</think>');
  if (end < 0) return tokens.map(() => text.includes('<think>'));
  let before = 0;
  return pieces!.map((piece) => {
    // The token that completes the tag begins before the tag ends; so do all before it.
    const isReasoning = before < end + '</think>'.length;
    before += piece.length;
    return isReasoning;
  });
}

/** Greatest energy (nats): a token outside of the starting weights' nucleus has probability 0 under them. */
const MOST = 50;

/** E = -log p of every token under the starting weights, at most 50. */
export const energies = ({ reference }: TreeEdge): readonly number[] =>
  reference!.map((logProb) => Math.min(-logProb, MOST));

/**
 * The weight of every token, by tree and edge: `reasoning` for reasoning tokens; for action tokens 1 + alpha u, u the
 * z-score of the energy over the action tokens of the batch, cut to [-1, 1], then divided by its mean, so that the mean
 * weight of action tokens is 1.
 */
export function energyWeights(
  trees: readonly RolloutTree[],
  { reasoning, alpha }: EnergyOptions,
): readonly (readonly (readonly number[])[])[] {
  const classes = trees.map(({ edges }) => edges.map(reasoningTokens));
  const found = trees.map(({ edges }) => edges.map(energies));
  const acting = found.flatMap((edges, tree) =>
    edges.flatMap((values, edge) => values.filter((_, t) => !classes[tree]![edge]![t])),
  );
  const center = acting.length === 0 ? 0 : mean(acting);
  const spread = acting.length === 0 ? 0 : standardDeviation(acting, 'population');
  const raw = (energy: number): number =>
    1 + (spread > 1e-12 ? alpha * Math.min(Math.max((energy - center) / spread, -1), 1) : 0);
  const scale = acting.length === 0 ? 1 : mean(acting.map(raw));
  return found.map((edges, tree) =>
    edges.map((values, edge) =>
      values.map((energy, t) => (classes[tree]![edge]![t] ? reasoning : raw(energy) / scale)),
    ),
  );
}

/**
 * The paper's diagnostic: over questions, the correlation of the mean energy of a class of tokens with the variance of
 * the returns.
 * @returns Pearson's correlation per class; null if one of the two does not vary or no token is of the class.
 */
export function energyVarianceCorrelation(trees: readonly RolloutTree[]): {
  readonly action: number | null;
  readonly reasoning: number | null;
} {
  const of = (wanted: boolean): number | null => {
    const points = trees.flatMap((tree) => {
      const values = tree.edges.flatMap((edge) => {
        const classes = reasoningTokens(edge);
        return energies(edge).filter((_, t) => classes[t] === wanted);
      });
      const returns = leaves(tree).map((leaf) => leaf.return);
      return values.length === 0
        ? []
        : [{ energy: mean(values), variance: standardDeviation(returns, 'population') ** 2 }];
    });
    return correlation(
      points.map(({ energy }) => energy),
      points.map(({ variance }) => variance),
    );
  };
  return { action: of(false), reasoning: of(true) };
}

function correlation(x: readonly number[], y: readonly number[]): number | null {
  if (x.length < 2) return null;
  const [meanX, meanY] = [mean(x), mean(y)];
  const spread = standardDeviation(x, 'population') * standardDeviation(y, 'population');
  if (!(spread > 1e-12)) return null;
  return mean(x.map((value, i) => (value - meanX) * (y[i]! - meanY))) / spread;
}
