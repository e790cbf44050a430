import { z } from 'zod';
import { InputError } from '../../../core/errors.ts';
import { type ParquetColumn, parquetColumns, parquetRows } from '../../../envs/data/files/parquet.ts';
import {
  TRAJECTORY_FORMAT,
  TRAJECTORY_VERSION,
  type Trajectory,
  type TrajectoryTurn,
} from '../trajectory.ts';
import { anyList, checked, type Where } from './checked.ts';
import type { PlacedTrajectory, ReadOptions, TrajectoryReader } from './reader.ts';
import { notices, shortHash, type Tokeniser, tokeniser, withTexts } from './texts.ts';
import { messageText } from './verifiers/record.ts';

const texts = z.union([z.string(), anyList], 'valid: a text, or a list of messages');

const rowSchema = z.looseObject({
  step: z.int().min(0),
  prompt: texts,
  completion: texts,
});

const messageSchema = z.looseObject({
  role: z.string(),
  content: z.unknown().optional(),
  reasoning_content: z.string().nullish(),
  tool_calls: anyList.nullish(),
});

type Message = z.infer<typeof messageSchema>;

/** The columns that are not of rewards. */
const OWN = ['step', 'prompt', 'completion', 'advantage'];

/** The columns of rewards with their weights: those that the user names, or every other column of numbers. */
function rewardColumns(
  path: string,
  columns: readonly ParquetColumn[],
  { rewards }: ReadOptions,
  notice: (message: string) => void,
): ReadonlyMap<string, number> {
  const numbers = columns.filter(
    ({ name, isNumber }) => isNumber && !OWN.includes(name) && !name.startsWith('__'),
  );
  const names = numbers.map(({ name }) => name);
  if (rewards !== undefined) {
    for (const name of Object.keys(rewards)) {
      if (names.includes(name)) continue;
      throw new InputError(
        `${path}: there is no column of numbers '${name}' (--reward); valid: ${names.join(', ') || 'none'}`,
      );
    }
    return new Map(Object.entries(rewards));
  }
  if (names.length === 0) {
    throw new InputError(
      `${path}: no column of rewards; valid: at least one column of numbers beside ${OWN.join(', ')}`,
    );
  }
  notice(
    `the reward is ${names.join(' + ')}: the file does not say the weights (reward_weights), nor which columns log_extra added; --reward NAME=WEIGHT does`,
  );
  return new Map(names.map((name) => [name, 1]));
}

/** The reward as TRL adds it up: without the functions that gave none. Undefined if no function gave one. */
function rewardOf(row: unknown, columns: ReadonlyMap<string, number>, where: Where): number | undefined {
  let sum: number | undefined;
  for (const [name, weight] of columns) {
    const value = (row as Record<string, unknown>)[name];
    if (value === null || value === undefined || Number.isNaN(value)) continue;
    if (!Number.isFinite(value)) throw new InputError(`${where}: ${name}: valid: finite numbers`);
    sum = (sum ?? 0) + weight * (value as number);
  }
  return sum;
}

/**
 * Names groups: rows of one step and prompt that stand together. TRL writes a group's rows one after another, and does not
 * say how many there are.
 */
function grouping(): (step: number, prompt: string) => string {
  let [step, prompt, name] = [-1, '', ''];
  let begun = new Map<string, number>();
  return (ofStep, ofPrompt) => {
    if (ofStep === step && ofPrompt === prompt) return name;
    if (ofStep !== step) begun = new Map();
    [step, prompt] = [ofStep, ofPrompt];
    const hash = shortHash(prompt);
    const times = (begun.get(hash) ?? 0) + 1;
    begun.set(hash, times);
    name = times === 1 ? `${step}/${hash}` : `${step}/${hash}/${times}`;
    return name;
  };
}

type Read = z.infer<typeof rowSchema>;

function turnsOf({ prompt, completion }: Read, make: Tokeniser, where: Where): TrajectoryTurn[] {
  const first = promptOf(prompt, make, where);
  if (typeof completion === 'string') {
    const tokens = [...make.written(completion, where, 'completion')];
    return [{ observation: first, tokens, text: completion }];
  }
  const turns: TrajectoryTurn[] = [];
  let read = first;
  for (const [index, message] of messagesOf(completion, where, 'completion').entries()) {
    const text = messageText(message);
    const field = `completion[${index}]`;
    if (message.role === 'assistant') {
      turns.push({ observation: read, tokens: [...make.written(text, where, field)], text });
      read = { tokens: [], text: '' };
    } else {
      const joined = read.text === '' ? text : `${read.text}\n\n${text}`;
      read = { tokens: [...(read.tokens ?? []), ...make.read(text, where, field)], text: joined };
    }
  }
  if (turns.length > 0) return turns;
  throw new InputError(`${where}: completion has no message of the assistant; valid: at least one`);
}

function promptOf(
  prompt: Read['prompt'],
  make: Tokeniser,
  where: Where,
): NonNullable<TrajectoryTurn['observation']> {
  if (typeof prompt === 'string') return { tokens: [...make.read(prompt, where, 'prompt')], text: prompt };
  const messages = messagesOf(prompt, where, 'prompt');
  const text = messages.map(messageText).join('\n\n');
  const isOpening = messages.length === 1 && messages[0]!.role === 'user';
  return { tokens: [...(isOpening ? make.opening : make.read)(text, where, 'prompt')], text };
}

const messagesOf = (list: readonly unknown[], where: Where, field: string): readonly Message[] =>
  list.map((message, index) => checked(messageSchema, message, where, `${field}[${index}]`));

export const trl: TrajectoryReader = {
  id: 'trl',
  title:
    'TRL completions: completions/completions_STEP.parquet of log_completions (TRL 1.16, GRPO and RLOO), texts only',
  expected: 'a Parquet row with step, prompt, completion, advantage and a column for every reward function',
  detects: (first) =>
    ['step', 'prompt', 'completion'].every((key) => Object.hasOwn((first ?? {}) as object, key)),
  async *read(path, options): AsyncGenerator<PlacedTrajectory> {
    const notice = notices(options);
    const make = tokeniser(options, notice);
    const columns = await parquetColumns(path);
    const rewards = rewardColumns(path, columns, options, notice);
    const group = grouping();
    const names = ['step', 'prompt', 'completion', ...rewards.keys()];
    for await (const { value, at, index } of parquetRows(path, names, options.signal)) {
      const where = `${path}, ${at}`;
      const row = checked(rowSchema, value, where);
      const reward = rewardOf(value, rewards, where);
      if (reward === undefined) {
        notice(
          'rows for which no reward function gave a reward are left out, as TRL leaves them out of the baseline',
        );
        continue;
      }
      const turns = turnsOf(row, make, where);
      const trajectory: Trajectory = {
        format: TRAJECTORY_FORMAT,
        version: TRAJECTORY_VERSION,
        group: group(row.step, typeof row.prompt === 'string' ? row.prompt : JSON.stringify(row.prompt)),
        id: String(index),
        batch: row.step,
        question: turns[0]!.observation!.text!,
        turns,
        reward,
      };
      yield { trajectory: withTexts(trajectory, options), at };
    }
  },
};
