import { InputError } from '../../../core/errors.ts';
import { jsonLines } from '../../../envs/data/files/json-lines.ts';
import { checkTrajectory } from '../check.ts';
import { TRAJECTORY_FORMAT, TRAJECTORY_VERSION, type Trajectory } from '../trajectory.ts';
import type { TrajectoryReader } from './reader.ts';

/** The own format: one trajectory as JSON a line. */
export const ownReader: TrajectoryReader = {
  id: 'own',
  title: `${TRAJECTORY_FORMAT} ${TRAJECTORY_VERSION}: one rollout as JSON a line (schemas/trajectory-1.json)`,
  expected: `one JSON object a line with "format": "${TRAJECTORY_FORMAT}"`,
  detects: (first) =>
    typeof first === 'object' &&
    first !== null &&
    (first as { format?: unknown }).format === TRAJECTORY_FORMAT,
  async *read(path, { rewards, signal }) {
    if (rewards !== undefined) {
      const named = Object.keys(rewards).join(', ');
      throw new InputError(
        `--reward: ${named} is not valid for ${path}, whose rewards are in 'reward'; valid: no --reward for this format`,
      );
    }
    for await (const { value, at } of jsonLines(path, signal)) {
      yield { trajectory: checked(value, `${path}, ${at}`), at };
    }
  },
};

function checked(value: unknown, where: string): Trajectory {
  try {
    return checkTrajectory(value, 'trajectory');
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${where}: ${error.message}`) : error;
  }
}
