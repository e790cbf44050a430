import type { ConfiguredAlgorithm } from '../../../algorithms/configured.ts';
import { createRandom } from '../../../core/random.ts';
import { creditOf, type TurnCredit } from '../../trajectories/credit.ts';
import { growTree } from '../../trajectories/grow.ts';
import type { Trajectory } from '../../trajectories/trajectory.ts';
import type { Estimator, EstimatorAdvantages } from './estimator.ts';

/** A batch that an estimator was asked about, and what it said. */
export interface Asked {
  readonly batch: readonly Trajectory[];
  readonly advantages: EstimatorAdvantages;
}

/** An estimator that keeps what it is asked and says. */
export function recorded(estimator: Estimator): {
  readonly estimator: Estimator;
  readonly asked: readonly Asked[];
} {
  const asked: Asked[] = [];
  return {
    asked,
    estimator: {
      id: estimator.id,
      async advantages(batches, signal) {
        const answers = await estimator.advantages(batches, signal);
        asked.push(...answers.map((advantages, at) => ({ batch: batches[at]!, advantages })));
        return answers;
      },
    },
  };
}

/**
 * The largest difference between what an estimator and each of some algorithms say of a token: infinite if one trains a
 * token and the other does not, undefined if the batches lack what the algorithm needs.
 */
export function largestDifferences(
  asked: readonly Asked[],
  algorithms: readonly ConfiguredAlgorithm[],
): readonly (number | undefined)[] {
  const largest: (number | undefined)[] = algorithms.map(() => 0);
  for (const { batch, advantages } of asked) {
    const grown = [growTree(batch, 'none')];
    for (const [index, algorithm] of algorithms.entries()) {
      if (largest[index] === undefined) continue;
      const ours = creditOf(grown, algorithm, createRandom(0));
      const found = 'lacks' in ours ? undefined : differenceOf(batch, advantages, ours.credits[0]!);
      largest[index] = found === undefined ? undefined : Math.max(largest[index], found);
    }
  }
  return largest;
}

function differenceOf(
  batch: readonly Trajectory[],
  advantages: EstimatorAdvantages,
  ours: readonly (readonly TurnCredit[])[],
): number {
  let largest = 0;
  for (const [at, { turns }] of batch.entries()) {
    for (const [turn, { tokens }] of turns.entries()) {
      const said = advantages[at]![turn]!;
      for (const token of tokens.keys()) {
        const theirs = (typeof said === 'number' ? said : said?.[token]) ?? Number.NaN;
        largest = Math.max(largest, difference(theirs, ours[at]![turn]?.[token] ?? Number.NaN));
      }
    }
  }
  return largest;
}

/** NaN is a token that is not trained. */
function difference(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b))
    return Number.isNaN(a) && Number.isNaN(b) ? 0 : Number.POSITIVE_INFINITY;
  return Math.abs(a - b);
}
