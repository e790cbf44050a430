import { configured } from '../../algorithms/configured.ts';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import { creditOf } from '../../bench/trajectories/credit.ts';
import { goldenTrees } from '../../bench/trajectories/golden/golden.ts';
import { growTree } from '../../bench/trajectories/grow.ts';
import type { Trajectory } from '../../bench/trajectories/trajectory.ts';
import { createRandom } from '../../core/random.ts';
import type { ShownTree, TreeCredit } from './input.ts';

/** Trees of trajectories, with the credit of methods: each tree a batch. */
export function shownTrees(
  groups: readonly (readonly Trajectory[])[],
  methods: readonly string[] = ALGORITHMS.map(({ id }) => id),
): readonly ShownTree[] {
  return groups.map((trajectories) => {
    const grown = growTree(trajectories, 'none');
    const credits = methods.map((name): [string, TreeCredit] => {
      const algorithm = ALGORITHMS.find(({ id }) => id === name)!;
      const credit = creditOf([grown], configured(algorithm), createRandom(1));
      return [name, 'lacks' in credit ? credit : credit.credits[0]!];
    });
    const { question, group } = trajectories[0]!;
    return { question: question ?? group, grown, trajectories, credits: Object.fromEntries(credits) };
  });
}

/** The golden trees, which have everything. */
export const goldenGroups = (): readonly (readonly Trajectory[])[] =>
  goldenTrees().map(({ trajectories }) => trajectories);
