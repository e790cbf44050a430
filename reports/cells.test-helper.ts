import type { ComparedCell } from './analyzed.ts';

/** A finished cell of two evaluations, or one without a result. */
export function madeCell(
  algorithm: string,
  seed: number,
  f1: number | null,
  changes: Partial<ComparedCell> = {},
): ComparedCell {
  return {
    environment: 'walk/v1',
    algorithm,
    algorithmId: algorithm,
    seed,
    status: 'finished',
    fingerprint: 'f',
    options: {},
    metrics: [
      { iteration: 0, dev_f1: 0.25, dev_em: 0.125 },
      {
        iteration: 10,
        dev_f1: f1,
        dev_em: f1 === null ? null : f1 / 2,
        questions: 4,
        trajectories: 8,
        update_actions: 20,
        action_entropy: 0.5,
      },
    ],
    ...changes,
  };
}

/** One cell per score, seeds from 0 on. */
export const madeCells = (
  algorithm: string,
  scores: readonly (number | null)[],
  changes: Partial<ComparedCell> = {},
): readonly ComparedCell[] => scores.map((f1, seed) => madeCell(algorithm, seed, f1, changes));

/** A cell that failed or was not run. */
export const withoutResult = (algorithm: string, seed: number, status: 'failed' | 'missing'): ComparedCell =>
  madeCell(algorithm, seed, null, { status, metrics: [], fingerprint: undefined });
