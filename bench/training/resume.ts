import type { CellContext } from '../cell.ts';
import type { TrainingState } from './iteration.ts';
import { readState, type SavedTraining } from './state.ts';

/** A state to go on from, and the rows that led to it. */
export type ResumedTraining = Pick<SavedTraining, 'metrics' | 'timings'> & { readonly state: TrainingState };

/**
 * What is in a context's checkpoint. Nothing if there is no checkpoint, or none that fits: a notice says so.
 * @param start of the training: what is in the checkpoint must have its shape.
 * @param iterations of the whole training.
 */
export function resumeTraining(
  { checkpoint, onNotice }: CellContext,
  start: TrainingState,
  iterations: number,
): ResumedTraining | undefined {
  if (checkpoint === undefined) return undefined;
  try {
    const { metrics, timings, heads, ...state } = readState(checkpoint);
    const { prompts, parameters, iteration } = state;
    const size = prompts?.reduce((sum, { actions }) => sum + actions!.length, 0);
    if (
      heads.length !== start.heads.length ||
      iteration > iterations ||
      (prompts === undefined) !== (start.prompts === undefined) ||
      parameters.length !== (size ?? start.parameters.length)
    ) {
      throw new Error('it is of another cell');
    }
    onNotice?.(`goes on after iteration ${iteration} of ${iterations}`);
    return {
      state: { ...state, heads: heads.map((head, index) => ({ ...start.heads[index]!, ...head })) },
      metrics,
      timings,
    };
  } catch (error) {
    onNotice?.(`its checkpoint cannot be used (${(error as Error).message}); it starts again`);
    return undefined;
  }
}
