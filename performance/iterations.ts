import { CATALOG } from '../bench/catalog.ts';
import { readSuite } from '../bench/suites/file.ts';
import { resolveSuite, suiteCells } from '../bench/suites/suite.ts';
import type { SpeedCase } from './case.ts';
import { prepareIteration } from './iteration.ts';

const ALGORITHMS = ['grpo', 'carl-lite', 'carl', 'appo'] as const;
const ENVIRONMENTS = ['multihop', 'search'] as const;

/** A whole iteration: 24 questions with 16 rollouts each, from the suite 'all' and its starting weights. */
function iteration(
  algorithm: (typeof ALGORITHMS)[number],
  environment: (typeof ENVIRONMENTS)[number],
  rollouts: number,
): SpeedCase {
  return {
    id: `iteration/${environment}-${algorithm}-${rollouts}`,
    title: `iteration, ${algorithm} on ${environment}/v1: 24 questions, ${rollouts} rollouts each`,
    tensors: true,
    runs: 3,
    prepare: async (context) => {
      const suite = resolveSuite(await readSuite('all'), CATALOG, {
        backend: context.backend,
        seeds: 1,
        set: [`rollouts=${rollouts}`, 'environments.search.training.questions=24'],
      });
      const found = suiteCells(suite).find(
        ({ name, cell }) => name === algorithm && cell.environment.id === `${environment}/v1`,
      );
      return prepareIteration(found!.cell, context, environment === 'search');
    },
  };
}

/** Whole iterations, by environment and algorithm, and how they grow with the group. */
export const ITERATION_CASES: readonly SpeedCase[] = [
  ...ENVIRONMENTS.flatMap((environment) =>
    ALGORITHMS.map((algorithm) => iteration(algorithm, environment, 16)),
  ),
  iteration('grpo', 'search', 4),
  iteration('grpo', 'search', 64),
];
