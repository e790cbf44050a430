import { expect } from 'vitest';
import type { ConfiguredAlgorithm } from '../../algorithms/configured.ts';
import type { RolloutTree } from '../../algorithms/tree.ts';
import { createRandom } from '../../core/random.ts';
import { tokenCredits } from '../training/token-credits.ts';
import { creditedRows } from '../training/update.ts';
import { creditOf, type TurnCredit } from './credit.ts';
import { trajectoriesOf } from './from-trees.ts';
import { growTree } from './grow.ts';
import { type Trajectory, trajectoryProblem, trajectorySchema } from './trajectory.ts';

/** Trees as lines of a file, and read again. */
export function written(trees: readonly RolloutTree[]): readonly (readonly Trajectory[])[] {
  return trees.map((tree, index) =>
    trajectoriesOf(tree, `q${index}`).map((trajectory) => {
      const read = trajectorySchema.parse(JSON.parse(JSON.stringify(trajectory)));
      expect(trajectoryProblem(read)).toBeUndefined();
      return read;
    }),
  );
}

/** Checks that a method says of trees the same, bit for bit, after they were written and read. */
export function expectSameCredit(algorithm: ConfiguredAlgorithm, trees: readonly RolloutTree[]): void {
  const rows = creditedRows(trees, algorithm.credit(trees, createRandom(7)));
  const grown = written(trees).map((group) => growTree(group, 'none'));
  const again = grown.map(({ tree }) => tree);
  expect(creditedRows(again, algorithm.credit(again, createRandom(7)))).toEqual(rows);

  const credit = creditOf(grown, algorithm, createRandom(7));
  if ('lacks' in credit) throw new Error(`lacks ${credit.lacks}`);
  // What trajectories that share a turn say of it adds up to what the method says.
  const whole = tokenCredits(trees, rows as never);
  for (const [index, { paths, tree }] of grown.entries()) {
    const sums = tree.edges.map(() => undefined as TurnCredit);
    for (const [trajectory, path] of paths.entries()) {
      for (const [turn, edge] of path.entries()) {
        const values = credit.credits[index]![trajectory]![turn];
        if (values === undefined) continue;
        sums[edge] ??= new Float64Array(values.length);
        for (const [t, value] of values.entries()) sums[edge]![t]! += Number.isNaN(value) ? 0 : value;
      }
    }
    for (const [edge, sum] of sums.entries()) {
      const expected = whole[index]![edge];
      expect(sum === undefined).toBe(expected === undefined);
      for (const [t, value] of sum?.entries() ?? []) expect(value).toBeCloseTo(expected![t]!, 12);
    }
  }
}
