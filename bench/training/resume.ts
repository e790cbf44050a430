import type { Head } from '../../algorithms/algorithm.ts';
import type { Sampling, TrainablePolicy } from '../../policies/policy.ts';
import type { CellContext } from '../cell.ts';
import { readState, type TrainingState } from './state.ts';

/**
 * The state in a context's checkpoint, with the policy brought to it. Nothing where there is no checkpoint, or none
 * that fits: the policy is then as it was, and a notice says so.
 * @param policy at its starting point.
 * @param iterations of the whole training.
 */
export async function resumeTraining(
  { checkpoint, onNotice }: CellContext,
  policy: TrainablePolicy,
  heads: readonly Head[],
  iterations: number,
  sampling: Sampling,
): Promise<TrainingState | undefined> {
  if (checkpoint === undefined) return undefined;
  try {
    const state = readState(checkpoint);
    const { prompts, parameters, iteration } = state;
    const size = prompts?.reduce((sum, { actions }) => sum + actions!.length, 0);
    if (
      state.heads.length !== heads.length ||
      iteration > iterations ||
      (prompts === undefined) !== (policy.prompts === undefined) ||
      parameters.length !== (size ?? policy.parameters().length)
    ) {
      throw new Error('it is of another cell');
    }
    // Met in the order in which they were met first, prompts have the same places again.
    if (prompts !== undefined) await policy.distributions(prompts, sampling);
    policy.setParameters(parameters);
    onNotice?.(`goes on after iteration ${iteration} of ${iterations}`);
    return state;
  } catch (error) {
    onNotice?.(`its checkpoint cannot be used (${(error as Error).message}); it starts again`);
    return undefined;
  }
}
