import { areEqual, type Divisor, mean, standardDeviation } from '../../core/statistics.ts';

/**
 * How values are placed in a group: (x - mean) / scale. In a group of values that are equal up to rounding, a single one
 * included, everything is exactly 0, so that rounding cannot be blown up by a small scale.
 * @param scaleOf from the group to what differences are divided by, above 0.
 */
export function normaliser(
  group: readonly number[],
  scaleOf: (group: readonly number[]) => number,
): (value: number) => number {
  if (areEqual(group)) return () => 0;
  const center = mean(group);
  const scale = scaleOf(group);
  return (value) => (value - center) / scale;
}

/** Distances from the group's mean. Equal values give exactly 0. */
export function centred(values: readonly number[]): readonly number[] {
  return values.map(normaliser(values, () => 1));
}

/**
 * z-scores of a group: (x - mean) / (std + epsilon). Equal values, a single one included, give exactly 0.
 * @param divisor of the variance: `sample` is verl's GRPO.
 */
export function zScores(values: readonly number[], divisor: Divisor, epsilon: number): readonly number[] {
  return values.map(normaliser(values, (group) => standardDeviation(group, divisor) + epsilon));
}
