import { createRandom } from '../../core/random.ts';
import type { ProfiledUnit } from './profile.ts';

interface MadeUp {
  /** By name: how far its scores are from GRPO's of the same seed, and how much that varies. */
  readonly methods: Readonly<Record<string, readonly [shift: number, noise: number]>>;
  readonly experiments?: readonly string[];
  readonly levels?: readonly number[];
  readonly seeds?: number;
}

/** Units with made-up scores: those of GRPO are about 0.6, and the harder the level, the lower all are. */
export function madeUpUnits(request: MadeUp): readonly ProfiledUnit[] {
  const { methods, experiments = ['late', 'noise'], levels = [1, 8, 32], seeds = 5 } = request;
  return Object.entries(methods).flatMap(([algorithm, [shift, noise]]) =>
    experiments.map((experiment): ProfiledUnit => {
      const common = createRandom(1).split(experiment);
      const own = createRandom(2).split(algorithm, experiment);
      return {
        algorithm,
        experiment,
        rate: 0.2,
        rates: [0.1, 0.2, 0.4, 0.8].map((rate) => ({ rate, score: rate === 0.2 ? 0.6 : 0.5 })),
        runs: levels.flatMap((level, place) =>
          Array.from({ length: seeds }, (_, seed) => ({
            level,
            seed,
            score:
              0.65 -
              0.05 * place +
              0.02 * common.split(seed).uniform() +
              shift +
              noise * (own.split(level, seed).uniform() - 0.5),
            final: 0.9,
            rankCorrelation:
              algorithm === 'blind' ? null : 0.4 + 0.1 * own.split('rank', level, seed).uniform(),
            signErrors: 0.25,
            leakage: 0.75,
          })),
        ),
      };
    }),
  );
}
