import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import type { CreditedAction } from '../../algorithms/algorithm.ts';
import { type CarlOptions, carl, carlCredit } from '../../algorithms/carl/index.ts';
import { type ConfiguredAlgorithm, configured } from '../../algorithms/configured.ts';
import { createRandom } from '../../core/random.ts';
import { mean, standardDeviation } from '../../core/statistics.ts';
import type { LoadedEnvironment } from '../../envs/environment.ts';
import type { TrainablePolicy } from '../../policies/policy.ts';
import { evaluate } from '../rollout/evaluate.ts';
import type { TrainingOptions } from '../training/options.ts';
import { trainWith } from './training.ts';

/**
 * What happens to early actions (depth below `early`) of states that were not forked, which CARL filters out:
 * - `filtered`: dropped, as published (update rule 'forked');
 * - `kept`: trained as the paper's update-all rule would, at the early steps only: V(after) - V(before) where
 *   there are siblings, else the advantage of the action before. At depths 0 and 1 that comes to
 *   V(after) - V(root), the question's mean return as the baseline, and says something only if the root has
 *   several children (N0 > 1).
 */
const ARMS = ['filtered', 'kept'] as const;
export type Arm = (typeof ARMS)[number];

/** CARL with the given treatment of early unforked actions. Not registered: an ablation, not an algorithm. */
export function carlArm(arm: Arm, early: number, given: object = {}): ConfiguredAlgorithm {
  const options: CarlOptions = carl.schema.parse({ ...given, updateRule: 'forked' });
  return {
    ...configured(carl, options),
    credit: (trees) => ({
      actions: trees.flatMap((tree, index): readonly CreditedAction[] => {
        const kept = carlCredit(tree, index, options);
        if (arm === 'filtered') return kept;
        const trained = new Set(kept.map(({ edge }) => edge));
        const extra = carlCredit(tree, index, { ...options, updateRule: 'all_inherit' }).filter(
          ({ edge }) => !trained.has(edge) && tree.nodes[tree.edges[edge]!.from]!.depth < early,
        );
        return [...kept, ...extra];
      }),
    }),
  };
}

/** One trained policy of the ablation. */
export interface AblationRun {
  readonly arm: Arm;
  readonly seed: number;
  /** Mean return on the held-out questions, before and after. */
  readonly before: number;
  readonly after: number;
}

/** `kept` against `filtered`, paired by seed. */
export interface AblationDifference {
  readonly seeds: number;
  /** Mean over seeds of (return after training, kept) - (the same, filtered). */
  readonly difference: number;
  /** Half the width of its 95 % t interval; null for one seed. */
  readonly halfWidth: number | null;
}

/** Trains every arm from the same start on the same questions, for every seed. Puts the start back. */
export async function earlyActionAblation(request: {
  readonly loaded: LoadedEnvironment;
  readonly policy: TrainablePolicy;
  readonly options: TrainingOptions;
  readonly seeds: readonly number[];
  /** Depth below which an action is early. */
  readonly early: number;
  /** CARL's options. */
  readonly carl?: object;
  readonly signal?: AbortSignal;
  readonly onRun?: (done: number, total: number) => void;
}): Promise<{ readonly runs: readonly AblationRun[]; readonly difference: AblationDifference }> {
  const { loaded, policy, options, seeds } = request;
  const signal = request.signal === undefined ? {} : { signal: request.signal };
  const start = policy.parameters();
  const score = async (): Promise<number> =>
    (
      await evaluate({
        loaded,
        policy,
        tasks: loaded.tasks.dev.slice(0, options.evaluationQuestions),
        episodes: options.evaluationEpisodes,
        decoding: options.evaluationDecoding,
        sampling: { temperature: options.temperature },
        // The same draws for every policy.
        random: createRandom(0).split('evaluation'),
        ...signal,
      })
    ).return;
  const runs: AblationRun[] = [];
  const before = await score();
  for (const seed of seeds) {
    for (const arm of ARMS) {
      policy.setParameters(start);
      await trainWith({
        loaded,
        policy,
        algorithm: carlArm(arm, request.early, request.carl),
        options,
        seed,
        ...signal,
      });
      runs.push({ arm, seed, before, after: await score() });
      request.onRun?.(runs.length, seeds.length * ARMS.length);
    }
  }
  policy.setParameters(start);
  const after = (arm: Arm, seed: number): number =>
    runs.find((run) => run.arm === arm && run.seed === seed)!.after;
  const paired = seeds.map((seed) => after('kept', seed) - after('filtered', seed));
  const halfWidth =
    paired.length < 2
      ? null
      : (tQuantile(0.975, paired.length - 1) * standardDeviation(paired, 'sample')) /
        Math.sqrt(paired.length);
  return { runs, difference: { seeds: seeds.length, difference: mean(paired), halfWidth } };
}
