import { basename } from 'node:path';
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
import type { PlacedTrajectory, ReadOptions, TrajectoryReader } from './reader.ts';
import { jsonRecords } from './records.ts';
import { numberAt, rewardIn } from './rewards.ts';
import { notices, shortHash, type Tokeniser, tokeniser, withTexts } from './texts.ts';
import { contentText, messageText } from './verifiers/record.ts';

const extra = z.looseObject({}).nullish();

const documentSchema = z.looseObject({
  schema_version: z.string().regex(/^ATIF-v1\.[0-8]$/, 'valid: ATIF-v1.0 to ATIF-v1.8'),
  session_id: z.string().nullish(),
  trajectory_id: z.string().nullish(),
  steps: anyList,
  final_metrics: z.looseObject({ extra }).nullish(),
  subagent_trajectories: anyList.nullish(),
  extra,
});

const stepSchema = z.looseObject({
  source: z.enum(['system', 'user', 'agent'], "valid: 'system', 'user' or 'agent'"),
  message: z.unknown().optional(),
  reasoning_content: z.string().nullish(),
  tool_calls: anyList.nullish(),
  observation: z.looseObject({ results: anyList }).nullish(),
  metrics: z
    .looseObject({
      prompt_token_ids: idList.nullish(),
      completion_token_ids: idList.nullish(),
      logprobs: numberList.nullish(),
      extra,
    })
    .nullish(),
  is_copied_context: z.boolean().nullish(),
  llm_call_count: z.int().min(0).nullish(),
  extra,
});

type Step = z.infer<typeof stepSchema>;

/** Where a reward of the whole is looked for, the first that is there. */
const REWARDS = [
  'extra.reward',
  'extra.rewards',
  'final_metrics.extra.reward',
  'final_metrics.extra.rewards',
];
/** Where a step's own is looked for. */
const STEP_REWARDS = ['extra.reward', 'metrics.extra.reward'];
/** Where the group is looked for, before the first message of the user. */
const GROUPS = ['group', 'group_id', 'task_id', 'task', 'instance_id'];

/** What has been read up to an agent's step. */
interface Reading {
  /** All ids so far, if every step had them. */
  context: number[];
  /** Texts since the last action. */
  texts: string[];
  turns: TrajectoryTurn[];
  readonly tokeniser: Tokeniser;
  readonly notice: (message: string) => void;
}

/** A trajectory of Harbor's interchange format. */
function trajectoryOf(
  value: unknown,
  where: Where,
  name: string,
  options: ReadOptions,
  reading: Reading,
): Trajectory | undefined {
  const document = checked(documentSchema, value, where);
  const steps = document.steps.map((step, index) => checked(stepSchema, step, where, `steps[${index}]`));
  if ((document.subagent_trajectories ?? []).length > 0) {
    reading.notice('trajectories of subagents inside others (subagent_trajectories) are left out');
  }
  for (const [index, step] of steps.entries()) readStep(step, reading, where, `steps[${index}]`);
  if (reading.turns.length === 0) {
    reading.notice('trajectories without a step of the agent are left out');
    return undefined;
  }
  const reward = rewardOf(document, reading, where, options);
  const question = contentText(steps.find(({ source }) => source === 'user')?.message);
  return {
    format: TRAJECTORY_FORMAT,
    version: TRAJECTORY_VERSION,
    group: checkName(groupOf(document.extra, question, where), where, 'extra.group'),
    id: checkName(document.trajectory_id ?? document.session_id ?? name, where, 'trajectory_id'),
    ...(question === '' ? {} : { question }),
    turns: reading.turns,
    reward,
  };
}

function groupOf(extra: z.infer<typeof documentSchema>['extra'], question: string, where: Where): string {
  for (const name of GROUPS) {
    const value = extra?.[name];
    if (typeof value === 'string' || typeof value === 'number') return String(value);
  }
  if (question !== '') return shortHash(question);
  throw new InputError(
    `${where}: nothing says which question the trajectory is of; valid: ${GROUPS.map((name) => `extra.${name}`).join(', ')}, or a step of the user`,
  );
}

function rewardOf(document: unknown, { turns }: Reading, where: Where, { rewards }: ReadOptions): number {
  const found = rewardIn(document, rewards, REWARDS, where);
  if (found !== undefined) return found;
  if (rewards === undefined && turns.some(({ reward }) => reward !== undefined)) return 0;
  const looked =
    rewards === undefined
      ? [...REWARDS, ...STEP_REWARDS.map((field) => `steps[].${field}`)]
      : Object.keys(rewards);
  throw new InputError(
    `${where}: no reward in ${looked.join(', ')}; valid: a number in one of them, or --reward FIELD=WEIGHT with the name of another`,
  );
}

function readStep(step: Step, reading: Reading, where: Where, field: string): void {
  const isAction = step.source === 'agent' && step.is_copied_context !== true && step.llm_call_count !== 0;
  if (!isAction) {
    reading.texts.push(messageText({ ...step, content: step.message }));
  } else {
    reading.turns.push(turnOf(step, reading, where, field));
    reading.texts = [];
  }
  for (const [index, result] of (step.observation?.results ?? []).entries()) {
    const { content } = checked(resultSchema, result, where, `${field}.observation.results[${index}]`);
    reading.texts.push(contentText(content));
  }
}

const resultSchema = z.looseObject({ content: z.unknown().optional() });

function turnOf(step: Step, reading: Reading, where: Where, field: string): TrajectoryTurn {
  const { metrics } = step;
  const text = messageText({ ...step, content: step.message });
  const ids = metrics?.completion_token_ids ?? [];
  const isText = ids.length === 0;
  const tokens = isText ? reading.tokeniser.written(text, where, `${field}.message`) : ids;
  const logprobs = isText ? undefined : (metrics?.logprobs ?? undefined);
  checkLength(logprobs, ids.length, 'one per completion token', where, `${field}.metrics.logprobs`);
  const observation = observed(metrics?.prompt_token_ids ?? undefined, isText, reading, where, field);
  for (const id of [...(observation.tokens ?? []), ...tokens]) reading.context.push(id);
  const reward = STEP_REWARDS.map((name) => numberAt(step, name, where, field)).find(
    (one) => one !== undefined,
  );
  return {
    observation,
    tokens: [...tokens],
    text,
    ...(logprobs === undefined ? {} : { logprobs: [...logprobs] }),
    ...(reward === undefined ? {} : { reward }),
  };
}

function observed(
  prompt: readonly number[] | undefined,
  isText: boolean,
  reading: Reading,
  where: Where,
  field: string,
): NonNullable<TrajectoryTurn['observation']> {
  const text = reading.texts.filter((one) => one !== '').join('\n\n');
  if (prompt === undefined) {
    if (!isText) return { text };
    // The one message of a user is what a chat template begins with.
    const isOpening = reading.turns.length === 0 && reading.texts.length === 1;
    const make = isOpening ? reading.tokeniser.opening : reading.tokeniser.read;
    return { tokens: [...make(text, where, `${field}.metrics.prompt_token_ids`)], text };
  }
  const { tokens, continues } = newTokens(reading.context, prompt);
  if (!continues) {
    reading.notice(REWRITTEN);
    reading.context = [];
  }
  return { tokens: [...tokens], text };
}

export const atif: TrajectoryReader = {
  id: 'atif',
  title: 'ATIF 1.0 to 1.8: a trajectory per JSON file, or per line (Harbor)',
  expected: `an object with schema_version 'ATIF-v1.8' and steps; the reward in ${REWARDS.join(', ')} or a step's ${STEP_REWARDS.join(' or ')}`,
  detects: (first) => {
    const version = (first as { schema_version?: unknown } | null | undefined)?.schema_version;
    return typeof version === 'string' && version.startsWith('ATIF-');
  },
  async *read(path, options): AsyncGenerator<PlacedTrajectory> {
    const notice = notices(options);
    const own = tokeniser(options, notice);
    for await (const { value, at, index } of jsonRecords(path, options.signal)) {
      const reading: Reading = { context: [], texts: [], turns: [], tokeniser: own, notice };
      const name = at === 'the object' ? basename(path) : String(index);
      const trajectory = trajectoryOf(value, `${path}, ${at}`, name, options, reading);
      if (trajectory !== undefined) yield { trajectory: withTexts(trajectory, options), at };
    }
  },
};
