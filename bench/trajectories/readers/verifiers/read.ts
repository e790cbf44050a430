import { jsonLines } from '../../../../envs/data/files/json-lines.ts';
import {
  TRAJECTORY_FORMAT,
  TRAJECTORY_VERSION,
  type Trajectory,
  type TrajectoryTurn,
} from '../../trajectory.ts';
import { checkName, type Where } from '../checked.ts';
import type { PlacedTrajectory, TrajectoryReader } from '../reader.ts';
import { notices, type Tokeniser, tokeniser, withTexts } from '../texts.ts';
import { type Branch, type BranchTurn, branchesOf } from './branches.ts';
import {
  contentText,
  type GraphNode,
  isVerifiers,
  type RewardWeights,
  type TraceRecord,
  tracesOf,
} from './record.ts';

/** The traces of a line that are read, with their branches: of agents that are trained. */
export function readTraces(
  value: unknown,
  where: Where,
  notice: (message: string) => void,
  rewards?: RewardWeights,
): readonly { readonly trace: TraceRecord; readonly branches: readonly Branch[] }[] {
  return tracesOf(value, where, rewards).flatMap((trace) => {
    if (!trace.trainable) {
      notice('traces of agents that are not trained (agent.trainable: false) are left out');
      return [];
    }
    const branches = branchesOf(trace, where);
    if (branches.length === 0) notice('traces without a sampled message are left out');
    if (branches.length > 1) {
      notice("every branch of a trace counts as a rollout of its own, with the trace's reward");
    }
    return [{ trace, branches }];
  });
}

/** What the trajectory of a branch is called in its group. */
export const branchId = ({ id }: TraceRecord, branches: readonly Branch[], index: number): string =>
  branches.length === 1 ? id : `${id}/${index}`;

/** Rollouts of one task have the same: the episode's group, or what identifies the task. */
export function groupOf({ group, task, id }: TraceRecord): string {
  if (group !== undefined) return group;
  const own = task.key ?? task.hash;
  if (own != null) return own;
  const place = task.data?.id ?? task.data?.idx;
  return place == null ? id : `${task.type ?? 'task'} ${place}`;
}

function trajectoryOf(
  trace: TraceRecord,
  branches: readonly Branch[],
  index: number,
  texts: Tokeniser,
  where: Where,
): Trajectory {
  const { turns, fork } = branches[index]!;
  const { prompt, answer } = trace.task.data ?? {};
  const question = promptText(prompt);
  const answers = (Array.isArray(answer) ? answer : [answer]).filter((one) => typeof one === 'string');
  return {
    format: TRAJECTORY_FORMAT,
    version: TRAJECTORY_VERSION,
    group: checkName(groupOf(trace), where, `${trace.field}task.key (the group)`),
    id: checkName(branchId(trace, branches, index), where, `${trace.field}id`),
    ...(trace.step === undefined ? {} : { batch: trace.step }),
    ...(question === '' ? {} : { question }),
    ...(answers.length === 0 ? {} : { answers }),
    turns: turns.map((turn, at) => turnOf(trace, turn, at === 0, texts, where)),
    reward: trace.reward,
    ...(trace.truncated ? { end: 'truncated' } : {}),
    ...(fork === undefined ? {} : { fork: { of: branchId(trace, branches, fork.branch), turn: fork.turns } }),
  };
}

const promptText = (prompt: unknown): string =>
  Array.isArray(prompt)
    ? prompt
        .map((message: unknown) => contentText((message as { content?: unknown } | null)?.content))
        .join('\n\n')
    : contentText(prompt);

function turnOf(
  { nodes, cut }: TraceRecord,
  { action, read }: BranchTurn,
  isFirst: boolean,
  texts: Tokeniser,
  where: Where,
): TrajectoryTurn {
  const node = nodes[action.node]!;
  const observation = observed(nodes, read, isFirst, texts, where);
  const sampled = action.to - action.from;
  const own = (values: readonly number[] | undefined) =>
    values?.slice(action.sampledBefore, action.sampledBefore + sampled);
  const lists = {
    logprobs: own(node.logprobs),
    entropies: own(node.entropies),
    reference: own(node.reference),
  };
  return {
    observation,
    tokens: [
      ...(sampled > 0
        ? node.ids.slice(action.from, action.to)
        : texts.written(node.text, where, `${node.field}.message`)),
    ],
    // A text of the whole message, where the message is one action.
    ...(sampled === 0 || node.mask.indexOf(true) === action.from ? { text: node.text } : {}),
    ...Object.fromEntries(Object.entries(lists).filter(([, values]) => values !== undefined)),
    ...(cut.has(action.node) ? { cut: true } : {}),
  };
}

function observed(
  nodes: readonly GraphNode[],
  read: BranchTurn['read'],
  isFirst: boolean,
  texts: Tokeniser,
  where: Where,
): NonNullable<TrajectoryTurn['observation']> {
  const whole = read.filter(({ node }) => !nodes[node]!.sampled).map(({ node }) => nodes[node]!);
  const text = whole.map((node) => node.text).join('\n\n');
  const isOpening = isFirst && read.length === 1 && whole[0]?.role === 'user';
  const tokens: number[] = [];
  for (const { node, from, to } of read) {
    const { ids, text: own, field, sampled } = nodes[node]!;
    for (let at = from; at < to; at++) tokens.push(ids[at]!);
    if (ids.length > 0 || sampled || own === '') continue;
    const make = isOpening ? texts.opening : texts.read;
    for (const id of make(own, where, `${field}.message`)) tokens.push(id);
  }
  return { tokens, text };
}

export const verifiers: TrajectoryReader = {
  id: 'verifiers',
  title: 'verifiers v1 traces: traces.jsonl, an episode or a trace per line (Prime Intellect; verifiers 0.4)',
  expected: 'an object with task and nodes (a trace), or with task and traces (an episode)',
  detects: isVerifiers,
  async *read(path, options): AsyncGenerator<PlacedTrajectory> {
    const notice = notices(options);
    const texts = tokeniser(options, notice);
    for await (const { value, at } of jsonLines(path, options.signal)) {
      const where = `${path}, ${at}`;
      for (const { trace, branches } of readTraces(value, where, notice, options.rewards)) {
        for (const index of branches.keys()) {
          yield { trajectory: withTexts(trajectoryOf(trace, branches, index, texts, where), options), at };
        }
      }
    }
  },
};
