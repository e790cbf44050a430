import type { Trajectory, TrajectoryTurn } from './trajectory.ts';

/** A turn of these tokens, which read `observation` before it. */
export const turnOf = (tokens: readonly number[], more: Partial<TrajectoryTurn> = {}): TrajectoryTurn => ({
  tokens: [...tokens],
  ...more,
});

/** A trajectory of group 'q' with a final reward. */
export const trajectoryOf = (
  id: string,
  turns: readonly TrajectoryTurn[],
  reward: number,
  more: Partial<Trajectory> = {},
): Trajectory => ({
  format: 'creditbench-trajectory',
  version: 1,
  group: 'q',
  id,
  turns: [...turns],
  reward,
  ...more,
});
