import { jsonLines } from '../../../envs/data/files/json-lines.ts';
import { TRAJECTORY_FORMAT, TRAJECTORY_VERSION } from '../trajectory.ts';
import { checkedTrajectory } from '../validate.ts';
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
  async *read(path, { signal }) {
    for await (const { value, at } of jsonLines(path, signal)) {
      yield { trajectory: checkedTrajectory(value, `${path}, ${at}`), at };
    }
  },
};
