import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { expect } from 'vitest';
import type { AnyAlgorithm } from '../../../algorithms/algorithm.ts';
import { mean, variance } from '../../../core/statistics.ts';
import type { Experiment } from '../experiment.ts';
import { learn } from '../learn.ts';
import golden from './scores.json' with { type: 'json' };

/**
 * The golden scores are a second implementation's, in NumPy, from the pages (simulate.py). Random numbers differ, so means
 * over seeds are compared.
 */
export const SEEDS = 10;
/**
 * Two-sided false alarm rate of one interval. Each of the eighty comparisons has two of them to stay in: with equal means,
 * at least one fails with a probability of at most 80 x 2 x 0.005 % = 0.8 %. Seeds are fixed: what has passed passes again.
 */
const FALSE_ALARM = 0.001 / 20;
/** Half a unit of the last digit of scores.json, and the rounding of scores that are exactly 0. */
const ROUNDING = 1e-6;

interface Summary {
  readonly mean: number;
  readonly sd: number;
}

export const METHODS: Readonly<
  Record<string, Readonly<Record<string, Summary & { readonly levels: Readonly<Record<string, Summary>> }>>>
> = golden.methods;

export const expected = (id: string, { id: experiment }: Experiment, level: number): Summary =>
  METHODS[id]![experiment]!.levels[String(level)]!;

/**
 * How far the mean of the scores may be from the golden one: the narrower of two intervals of the difference. Welch's
 * takes both variances as they are; the other takes the scores for more of the golden ones, which is what finds a wrong
 * method whose own scores scatter.
 */
function allowed({ sd }: Summary, scores: readonly number[]): number {
  const theirs = sd ** 2 / golden.seeds;
  const ours = variance(scores) / scores.length;
  const squared = theirs + ours;
  if (squared === 0) return ROUNDING;
  const degrees = squared ** 2 / (theirs ** 2 / (golden.seeds - 1) + ours ** 2 / (scores.length - 1));
  const welch = tQuantile(1 - FALSE_ALARM / 2, degrees) * Math.sqrt(squared);
  const more =
    tQuantile(1 - FALSE_ALARM / 2, golden.seeds - 1) * sd * Math.sqrt(1 / golden.seeds + 1 / scores.length);
  return Math.min(welch, more) + ROUNDING;
}

const distance = (one: Summary, scores: readonly number[]): number => Math.abs(mean(scores) - one.mean);

export async function scoresOf(
  algorithm: AnyAlgorithm,
  experiment: Experiment,
  level: number,
  rate = golden.rate,
): Promise<readonly number[]> {
  const scores: number[] = [];
  for (let seed = 0; seed < SEEDS; seed++) {
    scores.push((await learn({ algorithm, experiment, level, seed, rate, purpose: 'score' })).score);
  }
  return scores;
}

export function expectEqual(one: Summary, scores: readonly number[], what: string): void {
  const numbers = `${what}: ${mean(scores).toFixed(4)} here, ${one.mean.toFixed(4)} in NumPy`;
  expect(distance(one, scores), numbers).toBeLessThanOrEqual(allowed(one, scores));
}

export function expectApart(one: Summary, scores: readonly number[]): void {
  expect(distance(one, scores)).toBeGreaterThan(allowed(one, scores));
}

/** The same algorithm with other options. */
export const withOptions = (
  algorithm: AnyAlgorithm,
  changes: Readonly<Record<string, unknown>>,
): AnyAlgorithm => ({
  ...algorithm,
  schema: algorithm.schema.transform((options) => ({ ...options, ...changes })),
});
