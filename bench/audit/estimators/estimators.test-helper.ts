import type { Trajectory } from '../../trajectories/trajectory.ts';
import type { Estimator } from './estimator.ts';

/** The return of a rollout. */
export const returnOf = ({ turns, reward = 0 }: Trajectory): number =>
  turns.reduce((sum, turn) => sum + (turn.reward ?? 0), reward);

/** An estimator that gives every rollout one advantage, by the returns of all. */
export const byReturns = (
  id: string,
  rule: (returns: readonly number[]) => readonly number[],
): Estimator => ({
  id,
  advantages: (batches) =>
    batches.map((batch) => {
      const advantages = rule(batch.map(returnOf));
      return batch.map(({ turns }, at) => turns.map(() => advantages[at]!));
    }),
});

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** The return minus the mean of the others'. */
export const leaveOneOut = (returns: readonly number[]): readonly number[] =>
  returns.map((value, at) => value - mean(returns.filter((_, other) => other !== at)));

/** z-scores with the standard deviation of a sample (the divisor is one less than the number) or a population. */
export const standardised =
  (less: 0 | 1) =>
  (returns: readonly number[]): readonly number[] => {
    const centre = mean(returns);
    const square = returns.reduce((sum, value) => sum + (value - centre) ** 2, 0);
    const deviation = Math.sqrt(square / (returns.length - less));
    return returns.map((value) => (value - centre) / (deviation + 1e-6));
  };
