import { z } from 'zod';
import { InputError } from '../../../core/errors.ts';
import {
  TRAJECTORY_FORMAT,
  TRAJECTORY_VERSION,
  type Trajectory,
  type TrajectoryTurn,
} from '../trajectory.ts';
import { anyList, checked, checkLength, checkName, idList, numberList, type Where } from './checked.ts';
import { newTokens, REWRITTEN } from './contexts.ts';
import type { PlacedTrajectory, TrajectoryReader } from './reader.ts';
import { jsonRecords } from './records.ts';
import { notices, withTexts } from './texts.ts';

const index = z.int().min(0);
const stopReason = z.string().nullish();

/** A line of ITERATION/train_rollout_summaries.jsonl, schema 1. */
const summarySchema = z.looseObject({
  schema_version: z.literal(1, 'valid: 1'),
  split: z.string(),
  iteration: index,
  group_idx: index,
  traj_idx: index,
  final_reward: z.number(),
  steps: anyList,
});

/** Tokens of one summary: its numbers say how much memory its ids take. */
const MAX_TOKENS = 2 ** 22;

const stepSchema = z.looseObject({
  ac_len: z.int().min(1),
  reward: z.number(),
});

/** A `Trajectory` as JSON, with what it is of beside it. */
const trajectorySchema = z.looseObject({
  transitions: anyList,
  stop_reason: stopReason,
  final_reward: z.number().nullish(),
  group_idx: z.union([index, z.string()]).nullish(),
  traj_idx: z.union([index, z.string()]).nullish(),
  iteration: index.nullish(),
});

/** A `TrajectoryGroup` as JSON. */
const groupSchema = z.looseObject({
  trajectories_G: anyList,
  final_rewards_G: numberList.nullish(),
  group_idx: z.union([index, z.string()]).nullish(),
  iteration: index.nullish(),
});

const transitionSchema = z.looseObject({
  ob: z.union([idList, z.looseObject({ chunks: anyList })], 'valid: token ids, or a ModelInput with chunks'),
  ac: z.looseObject({
    tokens: idList,
    logprobs: numberList.nullish(),
    maybe_logprobs: numberList.nullish(),
    stop_reason: stopReason,
  }),
  reward: z.number(),
});

const chunkSchema = z.looseObject({ tokens: idList });

const has = (value: unknown, ...keys: readonly string[]): boolean =>
  keys.every((key) => Object.hasOwn((value ?? {}) as object, key));

/** Turns with as many tokens as the summary counts: it has no ids, and all are 0. */
function summarised(value: unknown, where: Where, notice: (message: string) => void): readonly Trajectory[] {
  const summary = checked(summarySchema, value, where);
  let size = 0;
  const turns = summary.steps.map((step, at): TrajectoryTurn => {
    const { ac_len, reward } = checked(stepSchema, step, where, `steps[${at}]`);
    size += ac_len;
    if (size > MAX_TOKENS) {
      throw new InputError(
        `${where}: steps[${at}].ac_len makes ${size} tokens; valid: at most ${MAX_TOKENS}`,
      );
    }
    return { tokens: new Array<number>(ac_len).fill(0), reward };
  });
  notice(
    'rollout summaries of tinker-cookbook have no token ids, only their number: every id is 0, no two rollouts share a turn, and what needs log-probabilities or texts is missing',
  );
  if (turns.length === 0) return withoutTurns(notice);
  return [
    {
      format: TRAJECTORY_FORMAT,
      version: TRAJECTORY_VERSION,
      group: checkName(`${summary.split}/${summary.iteration}/${summary.group_idx}`, where, 'split'),
      id: String(summary.traj_idx),
      batch: checkName(`${summary.split}/${summary.iteration}`, where, 'split'),
      turns,
      reward: summary.final_reward,
      // Ids that are all 0 would look alike.
      round: 0,
    },
  ];
}

function withoutTurns(notice: (message: string) => void): readonly Trajectory[] {
  notice('trajectories without a turn are left out');
  return [];
}

interface Place {
  readonly group: string;
  readonly id: string;
  readonly batch: number | undefined;
  readonly reward: number;
}

function transitioned(
  value: unknown,
  place: Place,
  where: Where,
  field: string,
  notice: (message: string) => void,
): readonly Trajectory[] {
  const { transitions, stop_reason } = checked(trajectorySchema, value, where, field);
  const prefix = field === '' ? '' : `${field}.`;
  let context: number[] = [];
  let isCut = false;
  const turns = transitions.map((one, at): TrajectoryTurn => {
    const name = `${prefix}transitions[${at}]`;
    const { ob, ac, reward } = checked(transitionSchema, one, where, name);
    const seen = 'chunks' in ob ? chunksOf(ob.chunks, where, `${name}.ob.chunks`) : ob;
    const { tokens, continues } = newTokens(context, seen);
    if (!continues) notice(REWRITTEN);
    context = [...seen, ...ac.tokens];
    checkLength(ac.tokens, Math.max(1, ac.tokens.length), 'at least one', where, `${name}.ac.tokens`);
    const logprobs = ac.logprobs ?? ac.maybe_logprobs ?? undefined;
    checkLength(logprobs, ac.tokens.length, 'one per token', where, `${name}.ac.logprobs`);
    isCut = ac.stop_reason === 'length';
    return {
      observation: { tokens: [...tokens] },
      tokens: [...ac.tokens],
      ...(logprobs === undefined ? {} : { logprobs: [...logprobs] }),
      reward,
      ...(isCut ? { cut: true } : {}),
    };
  });
  if (turns.length === 0) return withoutTurns(notice);
  return [
    {
      format: TRAJECTORY_FORMAT,
      version: TRAJECTORY_VERSION,
      group: checkName(place.group, where, `${prefix}group_idx`),
      id: checkName(place.id, where, `${prefix}traj_idx`),
      ...(place.batch === undefined ? {} : { batch: place.batch }),
      turns,
      reward: place.reward,
      ...(isCut || /max|limit|length/.test(stop_reason ?? '') ? { end: 'truncated' } : {}),
    },
  ];
}

/** The ids of a ModelInput, whose chunks are all of encoded text. */
function chunksOf(chunks: readonly unknown[], where: Where, field: string): readonly number[] {
  return chunks.flatMap((chunk, at) => checked(chunkSchema, chunk, where, `${field}[${at}]`).tokens);
}

function trajectoriesOf(
  value: unknown,
  line: number,
  where: Where,
  notice: (message: string) => void,
): readonly Trajectory[] {
  if (has(value, 'steps')) return summarised(value, where, notice);
  if (!has(value, 'trajectories_G')) {
    const own = checked(trajectorySchema, value, where);
    const place = {
      group: groupName(own.iteration, own.group_idx ?? 0),
      id: String(own.traj_idx ?? line),
      batch: own.iteration ?? undefined,
      reward: own.final_reward ?? 0,
    };
    return transitioned(value, place, where, '', notice);
  }
  const group = checked(groupSchema, value, where);
  const { trajectories_G: trajectories, final_rewards_G: rewards } = group;
  checkLength(rewards ?? undefined, trajectories.length, 'one per trajectory', where, 'final_rewards_G');
  return trajectories.flatMap((one, at) => {
    const place = {
      group: groupName(group.iteration, group.group_idx ?? line),
      id: String(at),
      batch: group.iteration ?? undefined,
      reward: rewards?.[at] ?? 0,
    };
    return transitioned(one, place, where, `trajectories_G[${at}]`, notice);
  });
}

const groupName = (iteration: number | null | undefined, group: number | string): string =>
  iteration == null ? String(group) : `${iteration}/${group}`;

export const tinker: TrajectoryReader = {
  id: 'tinker',
  title:
    'tinker-cookbook: rollout summaries (train_rollout_summaries.jsonl, 0.6), or its Trajectory and TrajectoryGroup as JSON lines',
  expected:
    'an object with steps and traj_idx (a rollout summary), with transitions of ob, ac and reward (a Trajectory), or with trajectories_G',
  detects: (first) =>
    has(first, 'steps', 'traj_idx', 'group_idx') || has(first, 'transitions') || has(first, 'trajectories_G'),
  async *read(path, options): AsyncGenerator<PlacedTrajectory> {
    if (options.rewards !== undefined) {
      throw new InputError(
        `--reward: the rewards of tinker-cookbook's trajectories have names of their own (reward, final_reward); valid: without --reward`,
      );
    }
    const notice = notices(options);
    for await (const { value, at, index: line } of jsonRecords(path, options.signal)) {
      for (const trajectory of trajectoriesOf(value, line, `${path}, ${at}`, notice)) {
        // Of a summary there is nothing to spell.
        yield { trajectory: has(value, 'steps') ? trajectory : withTexts(trajectory, options), at };
      }
    }
  },
};
