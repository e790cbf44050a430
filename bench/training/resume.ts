import type { CellContext } from '../cell.ts';
import type { TrainingState } from './iteration.ts';
import type { Place } from './learners/learner.ts';
import { readState, type SavedTraining } from './state.ts';

/** A state to go on from, and the rows that led to it. */
export type ResumedTraining<At extends Place = 'local'> = Pick<SavedTraining, 'metrics' | 'timings'> & {
  readonly state: TrainingState<At>;
};

/**
 * What is in a context's checkpoint. Nothing if there is no checkpoint, or none that fits: a notice says so.
 * @param start of the training: what is in the checkpoint must have its shape.
 * @param iterations of the whole training.
 */
export function resumeTraining<At extends Place = 'local'>(
  { checkpoint, onNotice }: CellContext,
  start: TrainingState<At>,
  iterations: number,
): ResumedTraining<At> | undefined {
  if (checkpoint === undefined) return undefined;
  try {
    const { metrics, timings, heads, ...state } = readState(checkpoint);
    const { iteration } = state;
    if (heads.length !== start.heads.length || iteration > iterations || !isLike(state, start)) {
      throw new Error('it is of another cell');
    }
    onNotice?.(`goes on after iteration ${iteration} of ${iterations}`);
    return {
      state: {
        ...state,
        heads: heads.map((head, index) => ({ ...start.heads[index]!, ...head })),
      } as TrainingState<Place> as TrainingState<At>,
      metrics,
      timings,
    };
  } catch (error) {
    onNotice?.(`its checkpoint cannot be used (${(error as Error).message}); it starts again`);
    return undefined;
  }
}

type Weights = TrainingState | TrainingState<'server'>;

/** Whether weights are kept in the same place and have the same shape. */
function isLike(one: Omit<Weights, 'heads'>, start: Omit<Weights, 'heads'>): boolean {
  if (!('parameters' in one && 'parameters' in start)) return 'saved' in one && 'saved' in start;
  const [{ prompts, parameters }, other] = [one, start] as [TrainingState, TrainingState];
  const size = prompts?.reduce((sum, { actions }) => sum + actions!.length, 0);
  return (
    (prompts === undefined) === (other.prompts === undefined) &&
    parameters.length === (size ?? other.parameters.length)
  );
}
