import type { Random } from '../../core/random.ts';

/** A statistic with its error. */
export interface ClusteredEstimate {
  /** The statistic of the data; null if it is undefined. */
  readonly value: number | null;
  /** Standard deviation of the statistic over resampled clusters; null if it cannot be had. */
  readonly standardError: number | null;
}

/**
 * Statistics of items that come in clusters (states of one question), with errors that take the cluster as the
 * independent unit: clusters are drawn with replacement, whole, and the standard deviation over the draws is
 * the standard error. All statistics see the same draws. For an interval take value +- t standard errors with
 * clusters - 1 degrees of freedom: percentiles of the draws cover too little with few clusters.
 * @param clusters the cluster of every item.
 * @param statistics computes named statistics from the indices of items, which may repeat; null: undefined.
 * @param replicates default 500. A statistic that is undefined in more than a tenth of them gets no error.
 */
export function clusterBootstrap<Name extends string>(request: {
  readonly clusters: readonly string[];
  readonly statistics: (items: readonly number[]) => Readonly<Record<Name, number | null>>;
  readonly random: Random;
  readonly replicates?: number;
}): Record<Name, ClusteredEstimate> {
  const { clusters, statistics, random, replicates = 500 } = request;
  const members = new Map<string, number[]>();
  for (const [item, cluster] of clusters.entries()) {
    members.set(cluster, [...(members.get(cluster) ?? []), item]);
  }
  const groups = [...members.values()];
  const values = statistics([...clusters.keys()]);
  const drawn = Array.from({ length: groups.length < 2 ? 0 : replicates }, (_, replicate) => {
    const stream = random.split(replicate);
    return statistics(groups.flatMap(() => groups[stream.integer(groups.length)]!));
  });
  const names = Object.keys(values) as Name[];
  return Object.fromEntries(
    names.map((name) => {
      const value = values[name];
      const defined = drawn.map((draw) => draw[name]).filter((draw) => draw !== null);
      if (value === null || defined.length < 2 || defined.length < 0.9 * drawn.length) {
        return [name, { value, standardError: null }];
      }
      const mean = defined.reduce((sum, draw) => sum + draw, 0) / defined.length;
      const squares = defined.reduce((sum, draw) => sum + (draw - mean) ** 2, 0);
      return [name, { value, standardError: Math.sqrt(squares / (defined.length - 1)) }];
    }),
  ) as Record<Name, ClusteredEstimate>;
}
