import type { Random } from '../core/random.ts';
import type { AnyAlgorithm, Credit, ForkPoint, Head, Measurement, Resampling } from './algorithm.ts';
import type { Objective } from './objective.ts';
import type { RolloutTree } from './tree.ts';

/** An algorithm with its options filled in: what a training loop needs to know of it. */
export interface ConfiguredAlgorithm {
  /** The rollout plan, as `Algorithm.next`. */
  next(tree: RolloutTree, random: Random): readonly ForkPoint[];
  /** The credit rule, as `Algorithm.credit`. */
  credit(trees: readonly RolloutTree[], random: Random): Credit;
  /** What its rule lacks in a tree of another plan, as `Algorithm.lacks`. */
  lacks(tree: RolloutTree): string | undefined;
  readonly objective: Objective;
  readonly needs: readonly Measurement[];
  readonly heads: readonly Head[];
  readonly resampling: Resampling | undefined;
}

/**
 * Fills in an algorithm's options.
 * @param options what differs from the defaults; completed and checked by the algorithm's schema.
 * @throws ZodError when an option is not valid.
 */
export function configured(algorithm: AnyAlgorithm, options: object = {}): ConfiguredAlgorithm {
  const complete = algorithm.schema.parse(options);
  return {
    next: (tree, random) => algorithm.next(tree, complete, random),
    credit: (trees, random) => algorithm.credit(trees, complete, random),
    lacks: (tree) => algorithm.lacks?.(tree, complete),
    objective: algorithm.objective(complete),
    needs: algorithm.needs?.(complete) ?? [],
    heads: algorithm.heads?.(complete) ?? [],
    resampling: algorithm.resampling?.(complete),
  };
}
