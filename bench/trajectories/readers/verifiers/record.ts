import { z } from 'zod';
import { InputError } from '../../../../core/errors.ts';
import { anyList, booleanList, checked, checkLength, idList, numberList, type Where } from '../checked.ts';

/** What a trace was made for, and the episode around it, as far as it is read here. */
const taskSchema = z.looseObject({
  type: z.string().nullish(),
  key: z.string().nullish(),
  hash: z.string().nullish(),
  data: z
    .looseObject({
      id: z.string().nullish(),
      idx: z.int().nullish(),
      prompt: z.unknown().optional(),
      answer: z.unknown().optional(),
    })
    .nullish(),
});

const traceSchema = z.looseObject({
  version: z.literal(1, 'valid: 1, the version of the trace schema').default(1),
  id: z.string(),
  task: taskSchema,
  agent: z.looseObject({ trainable: z.boolean().nullish() }).nullish(),
  nodes: anyList,
  calls: anyList.nullish(),
  rewards: z.custom<object>((value) => value == null || isObject(value), 'valid: rewards by name').nullish(),
  stop_condition: z.string().nullish(),
});

const episodeSchema = z.looseObject({
  id: z.string().nullish(),
  group: z.looseObject({ id: z.string() }).nullish(),
  run: z.looseObject({ work: z.looseObject({ step: z.int().min(0) }).nullish() }).nullish(),
  traces: anyList,
});

const rewardSchema = z.looseObject({ score: z.number(), weight: z.number().nullish() }).nullable();

const callSchema = z.looseObject({
  node: z.int().min(0).nullish(),
  finish_reason: z.string().nullish(),
  error: z.unknown().optional(),
});

const nodeSchema = z.looseObject({
  parent: z.int().min(0).nullish(),
  semantic_parents: anyList.nullish(),
  message: z.looseObject({
    role: z.string(),
    content: z.unknown().optional(),
    reasoning_content: z.string().nullish(),
    tool_calls: anyList.nullish(),
  }),
  sampled: z.boolean().nullish(),
  token_ids: idList.nullish(),
  mask: booleanList.nullish(),
  logprobs: numberList.nullish(),
  reference_logprobs: numberList.nullish(),
  entropies: numberList.nullish(),
});

const linkSchema = z.looseObject({ node: z.int().min(0), type: z.string() });

/** A message of the graph, checked. */
export interface GraphNode {
  readonly parent: number | undefined;
  readonly role: string;
  readonly text: string;
  readonly sampled: boolean;
  readonly ids: readonly number[];
  readonly mask: readonly boolean[];
  /** By sampled token; undefined if the file has none. */
  readonly logprobs: readonly number[] | undefined;
  readonly reference: readonly number[] | undefined;
  readonly entropies: readonly number[] | undefined;
  readonly links: readonly { readonly node: number; readonly type: string }[];
  /** Where the record has it: 'nodes[3]'. */
  readonly field: string;
}

/** One rollout: a graph of messages. */
export interface TraceRecord {
  readonly id: string;
  readonly trainable: boolean;
  readonly task: z.infer<typeof taskSchema>;
  readonly nodes: readonly GraphNode[];
  readonly reward: number;
  readonly truncated: boolean;
  /** Nodes whose model call ended at a limit of tokens. */
  readonly cut: ReadonlySet<number>;
  /** Of the episode around it. */
  readonly group: string | undefined;
  readonly step: number | undefined;
  /** Where the record has it: '' or 'traces[0].'. */
  readonly field: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a value is a trace or an episode of verifiers v1. */
export function isVerifiers(value: unknown): boolean {
  if (!isObject(value) || !isObject(value.task)) return false;
  return Array.isArray(value.traces) || (Array.isArray(value.nodes) && isObject(value.rewards ?? {}));
}

/** The traces of a line: an episode has several, and one that stands alone is a line, too. */
export function tracesOf(value: unknown, where: Where, named?: RewardWeights): readonly TraceRecord[] {
  if (!isObject(value) || !('traces' in value)) return [traceOf(value, where, '', named)];
  const { group, run, traces } = checked(episodeSchema, value, where);
  return traces.map((trace, index) => ({
    ...traceOf(trace, where, `traces[${index}].`, named),
    group: group?.id,
    step: run?.work?.step,
  }));
}

function traceOf(value: unknown, where: Where, field: string, named?: RewardWeights): TraceRecord {
  const trace = checked(traceSchema, value, where, field.slice(0, -1));
  const nodes = trace.nodes.map((node, index) => nodeOf(node, index, where, `${field}nodes[${index}]`));
  const cut = new Set<number>();
  let isLastCut = false;
  for (const [index, one] of (trace.calls ?? []).entries()) {
    const { node, finish_reason, error } = checked(callSchema, one, where, `${field}calls[${index}]`);
    if (error != null) continue;
    isLastCut = finish_reason === 'length';
    if (isLastCut && node != null) cut.add(node);
  }
  return {
    id: trace.id,
    trainable: trace.agent?.trainable !== false,
    task: trace.task,
    nodes,
    reward: rewardOf(trace.rewards ?? {}, where, field, named),
    truncated: isLastCut || LIMITS.includes(trace.stop_condition ?? ''),
    cut,
    group: undefined,
    step: undefined,
    field,
  };
}

/** What `Trace.is_truncated` of verifiers looks for. */
const LIMITS = [
  'max_turns',
  'max_input_tokens',
  'max_output_tokens',
  'max_total_tokens',
  'compaction_failed',
];

/** Names of rewards with the weights that count in place of the trace's own. */
export type RewardWeights = Readonly<Record<string, number>>;

function rewardOf(rewards: object, where: Where, field: string, named?: RewardWeights): number {
  let sum = 0;
  const names = Object.keys(rewards);
  const missing = Object.keys(named ?? {}).find((name) => !names.includes(name));
  // A trace that failed has none at all.
  if (missing !== undefined && names.length > 0) {
    throw new InputError(
      `${where}: ${field}rewards has no '${missing}' (--reward); valid: ${names.slice(0, 20).join(', ')}`,
    );
  }
  for (const [name, one] of Object.entries(rewards)) {
    const reward = checked(rewardSchema, one, where, `${field}rewards.${name}`);
    if (reward === null || (named !== undefined && !Object.hasOwn(named, name))) continue;
    sum += reward.score * (named?.[name] ?? reward.weight ?? 1);
  }
  if (Number.isFinite(sum)) return sum;
  throw new InputError(`${where}: ${field}rewards add up to ${sum}; valid: a finite number`);
}

function nodeOf(value: unknown, index: number, where: Where, field: string): GraphNode {
  const node = checked(nodeSchema, value, where, field);
  const parent = node.parent ?? undefined;
  if (parent !== undefined && parent >= index) {
    throw new InputError(
      `${where}: ${field}.parent is ${parent}; valid: the index of an earlier node, or null`,
    );
  }
  const ids = node.token_ids ?? [];
  const mask = node.mask ?? [];
  if (mask.length > 0 || node.sampled === true) {
    checkLength(mask, ids.length, 'one per token', where, `${field}.mask`);
  }
  const sampled = mask.reduce((sum, is) => sum + Number(is), 0);
  const perToken = (name: 'logprobs' | 'reference_logprobs' | 'entropies') => {
    const values = node[name];
    // An empty list is what verifiers writes if there are none.
    if (values == null || values.length === 0) return undefined;
    checkLength(values, sampled, 'one per sampled token', where, `${field}.${name}`);
    return values;
  };
  return {
    parent,
    role: node.message.role,
    text: messageText(node.message),
    sampled: node.sampled === true,
    ids,
    mask: mask.length === 0 ? ids.map(() => false) : mask,
    logprobs: perToken('logprobs'),
    reference: perToken('reference_logprobs'),
    entropies: perToken('entropies'),
    links: (node.semantic_parents ?? []).map((link, at) =>
      checked(linkSchema, link, where, `${field}.semantic_parents[${at}]`),
    ),
    field,
  };
}

/** A message as text: its reasoning, its content, and its tool calls as lines of JSON. */
export function messageText(message: {
  readonly content?: unknown;
  readonly reasoning_content?: string | null | undefined;
  readonly tool_calls?: readonly unknown[] | null | undefined;
}): string {
  const parts = [
    message.reasoning_content ?? '',
    contentText(message.content),
    ...(message.tool_calls ?? []).map((call) => JSON.stringify(call, withoutNulls)),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

/** Some writers leave out what others write as null. */
const withoutNulls = (_: string, value: unknown): unknown => (value === null ? undefined : value);

/** The texts of a message's content: a text, or parts of which some are texts. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts = content.map((part: unknown) => (isObject(part) ? part.text : undefined));
  return texts.filter((text) => typeof text === 'string').join('\n');
}
