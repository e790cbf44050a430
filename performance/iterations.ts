import { readSuite } from '../bench/suites/file.ts';
import { resolveSuite, suiteCells } from '../bench/suites/suite.ts';
import type { SpeedCase } from './case.ts';
import { prepareIteration } from './iteration.ts';

const ALGORITHMS = ['grpo', 'carl-lite', 'carl', 'appo', 'ppo', 'dapo'] as const;
const ENVIRONMENTS = ['multihop', 'search'] as const;

/** A whole iteration: 24 questions with 16 rollouts each, from the suite 'all' and its starting weights. */
function iteration(
  algorithm: (typeof ALGORITHMS)[number],
  environment: (typeof ENVIRONMENTS)[number],
  rollouts: number,
  kl = 0,
): SpeedCase {
  const penalty = kl === 0 ? '' : '-kl';
  return {
    id: `iteration/${environment}-${algorithm}${penalty}-${rollouts}`,
    title: `iteration, ${algorithm}${kl === 0 ? '' : ` with a KL penalty of ${kl}`} on ${environment}/v1: 24 questions, ${rollouts} rollouts each`,
    tensors: true,
    runs: 3,
    prepare: async (context) => {
      const suite = resolveSuite(await readSuite('all'), context.catalog, {
        backend: context.backend,
        seeds: 1,
        algorithms: [algorithm],
        environments: [environment],
        set: [
          `rollouts=${rollouts}`,
          'environments.0.training.questions=24',
          ...(kl === 0 ? [] : [`algorithms.0.options.kl=${kl}`]),
        ],
      });
      const [found] = suiteCells(suite);
      return prepareIteration(found!.cell, context);
    },
  };
}

/** Whole iterations, by environment and algorithm, with a KL penalty, and how they grow with the group. */
export const ITERATION_CASES: readonly SpeedCase[] = [
  ...ENVIRONMENTS.flatMap((environment) => [
    ...ALGORITHMS.map((algorithm) => iteration(algorithm, environment, 16)),
    iteration('grpo', environment, 16, 0.05),
  ]),
  iteration('grpo', 'search', 4),
  iteration('grpo', 'search', 64),
];
