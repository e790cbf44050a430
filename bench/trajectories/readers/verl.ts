import { z } from 'zod';
import { InputError } from '../../../core/errors.ts';
import { TRAJECTORY_FORMAT, TRAJECTORY_VERSION, type Trajectory } from '../trajectory.ts';
import { checked, checkName, type Where } from './checked.ts';
import type { PlacedTrajectory, ReadOptions, TrajectoryReader } from './reader.ts';
import { jsonRecords } from './records.ts';
import { rewardIn } from './rewards.ts';
import { notices, shortHash, tokeniser, withTexts } from './texts.ts';

const schema = z.looseObject({
  input: z.string(),
  output: z.string(),
  score: z.number(),
  step: z.int().min(0),
  gts: z.unknown().optional(),
  uid: z.unknown().optional(),
});

/** The keys of verl's trainer of version 1: sample, rollout, output. */
const KEY = /^(.+)_\d+_\d+$/s;

/**
 * Rollouts of one prompt in one step: by the uid, where the dump has it (verl's trainer of version 1), or by the text of
 * the prompt.
 */
function groupOf({ step, uid, input }: z.infer<typeof schema>, where: Where): string {
  if (typeof uid !== 'string' || uid === '') return `${step}/${shortHash(input)}`;
  return checkName(`${step}/${KEY.exec(uid)?.[1] ?? uid}`, where, 'uid');
}

function answersOf(gts: unknown): readonly string[] {
  if (typeof gts === 'string' || typeof gts === 'number') return [String(gts)];
  return Array.isArray(gts) ? gts.filter((one) => typeof one === 'string') : [];
}

function rewardOf(record: z.infer<typeof schema>, { rewards }: ReadOptions, where: Where): number {
  const found = rewardIn(record, rewards, ['score'], where);
  if (found !== undefined) return found;
  throw new InputError(
    `${where}: none of ${Object.keys(rewards ?? {}).join(', ')} (--reward) is there; valid: ${Object.keys(record).slice(0, 20).join(', ')}`,
  );
}

export const verl: TrajectoryReader = {
  id: 'verl',
  title:
    'verl rollout dumps: STEP.jsonl in trainer.rollout_data_dir or validation_data_dir (verl 0.9), texts only',
  expected: 'an object with input, output, score and step',
  detects: (first) =>
    ['input', 'output', 'score', 'step'].every((key) => Object.hasOwn((first ?? {}) as object, key)),
  async *read(path, options): AsyncGenerator<PlacedTrajectory> {
    const notice = notices(options);
    const texts = tokeniser(options, notice);
    for await (const { value, at, index } of jsonRecords(path, options.signal)) {
      const where = `${path}, ${at}`;
      const record = checked(schema, value, where);
      const answers = answersOf(record.gts);
      const tokens = texts.written(record.output, where, 'output');
      notice(
        "verl's dump does not say which part of an output came from tools: all of it counts as the policy's. integrations/verl/export.py writes a DataProto with its masks, ids and log-probabilities",
      );
      const trajectory: Trajectory = {
        format: TRAJECTORY_FORMAT,
        version: TRAJECTORY_VERSION,
        group: groupOf(record, where),
        id: String(index),
        batch: record.step,
        question: record.input,
        ...(answers.length === 0 ? {} : { answers: [...answers] }),
        turns: [
          {
            observation: { tokens: [...texts.read(record.input, where, 'input')], text: record.input },
            tokens: [...tokens],
            text: record.output,
          },
        ],
        reward: rewardOf(record, options, where),
      };
      yield { trajectory: withTexts(trajectory, options), at };
    }
  },
};
