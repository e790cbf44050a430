import { setImmediate } from 'node:timers/promises';
import type { ConfiguredAlgorithm } from '../../algorithms/configured.ts';
import { createRandom, type Random } from '../../core/random.ts';
import type { LoadedEnvironment, Task } from '../../envs/environment.ts';
import type { TrainablePolicy } from '../../policies/policy.ts';
import { expertOf } from '../rollout/forced.ts';
import { initialState, type TrainingSetup, trainIteration } from '../training/iteration.ts';
import type { TrainingOptions } from '../training/options.ts';
import { type MeasuredState, measureStates, type VisitedState, visitedStates } from './measure.ts';
import type { ExactEnvironment } from './outcomes.ts';
import { ABOUT_ZERO, type Prediction, predict, UNCERTAINTIES, type Uncertainty } from './predict.ts';

/**
 * Trains a policy in place and calls `onIteration` before the first update (iteration 0) and after every iteration.
 * The same iterations as in a suite: heads, KL penalty and resampling included.
 */
export async function trainWith(request: {
  readonly loaded: LoadedEnvironment;
  readonly policy: TrainablePolicy;
  readonly algorithm: ConfiguredAlgorithm;
  readonly options: TrainingOptions;
  readonly seed: number;
  readonly onIteration?: (iteration: number) => Promise<void>;
  readonly signal?: AbortSignal;
}): Promise<void> {
  const { loaded, policy, algorithm, options, seed, onIteration, signal } = request;
  const setup: TrainingSetup = {
    environment: loaded.environment,
    ...expertOf(loaded),
    tasks: loaded.tasks.train,
    policy,
    algorithm,
    options,
    sampling: { temperature: options.temperature },
    reference: policy.parameters(),
    // No algorithm's name in the stream: all of them meet the same questions and the same random numbers.
    random: createRandom(seed).split('train'),
    ...(signal === undefined ? {} : { signal }),
  };
  await onIteration?.(0);
  for (let state = initialState(policy, algorithm); state.iteration < options.iterations; ) {
    await setImmediate(); // lets signals in: a policy that computes at once never leaves the microtasks
    ({ state } = await trainIteration(state, setup));
    await onIteration?.(state.iteration);
  }
}

/** Criticality and its prediction on held-out questions at one point of training. */
export interface TrainingPoint {
  readonly iteration: number;
  /**
   * 'visited': the states that the policy of this iteration meets. 'fixed': those that the starting policy
   * met, measured under the policy of this iteration.
   */
  readonly set: 'visited' | 'fixed';
  readonly uncertainty: Uncertainty;
  readonly prediction: Prediction;
  readonly meanCriticality: number;
  readonly meanUncertainty: number;
  readonly zeroShare: number;
  readonly highShare: number;
  /**
   * Share of the states that were low at the start of training and are high now, among the early ones (depth
   * below `early`) and the others: what an entropy or criticality filter at the start would have missed. Null
   * for the set 'visited'.
   */
  readonly roseEarly: number | null;
  readonly roseLate: number | null;
}

/**
 * Watches criticality on held-out questions along a training: give its `measure` to `trainWith` as
 * `onIteration`, or call it for saved parameters after setting them.
 * @param every measure at iterations that are multiples of this.
 */
export function criticalityTrack(request: {
  readonly environment: ExactEnvironment;
  readonly policy: TrainablePolicy;
  readonly tasks: readonly Task[];
  readonly temperature: number;
  readonly threshold: number;
  readonly early: number;
  readonly every: number;
  readonly random: Random;
  readonly signal?: AbortSignal;
}): { readonly points: readonly TrainingPoint[]; measure(iteration: number): Promise<void> } {
  const { threshold, early, every, random } = request;
  const sampling = { temperature: request.temperature };
  const points: TrainingPoint[] = [];
  let fixed: readonly VisitedState[] | undefined;
  let start: readonly MeasuredState[] | undefined;
  return {
    points,
    measure: async (iteration) => {
      if (iteration % every !== 0) return;
      // The same draws at every iteration: the points move only when the policy does.
      const visited = await visitedStates({
        ...request,
        sampling,
        random: random.split('visited'),
        trajectories: 1,
      });
      fixed ??= visited;
      const measure = (states: readonly VisitedState[]) =>
        measureStates({ ...request, sampling, states, samples: 0 });
      const sets = { visited: await measure(visited), fixed: await measure(fixed) } as const;
      start ??= sets.fixed;
      for (const set of ['visited', 'fixed'] as const) {
        const states = sets[set];
        // What was sampled at the fixed states belongs to the starting policy: its surprisal says nothing now.
        for (const uncertainty of set === 'fixed' ? (['entropy'] as const) : UNCERTAINTIES) {
          const share = (of: (state: MeasuredState) => number): number =>
            states.reduce((sum, state) => sum + of(state), 0) / states.length;
          const rose = (isEarly: boolean): number | null => {
            const low = [...start!.entries()].filter(
              ([, state]) => state.criticality <= threshold && state.depth < early === isEarly,
            );
            return set === 'visited' || low.length === 0
              ? null
              : low.filter(([index]) => states[index]!.criticality > threshold).length / low.length;
          };
          points.push({
            iteration,
            set,
            uncertainty,
            prediction: predict({
              states,
              threshold,
              uncertainty,
              random: random.split('bootstrap'),
              replicates: 200,
            }),
            meanCriticality: share((state) => state.criticality),
            meanUncertainty: share((state) => state[uncertainty]),
            zeroShare: share((state) => Number(state.criticality < ABOUT_ZERO)),
            highShare: share((state) => Number(state.criticality > threshold)),
            roseEarly: rose(true),
            roseLate: rose(false),
          });
        }
      }
    },
  };
}
