import { InputError } from '../../../../core/errors.ts';
import { parseJsonLine, textLines } from '../../../../envs/data/files/json-lines.ts';
import { membersAt, type Span, skipSpace } from '../json-spans.ts';
import type { Branch } from './branches.ts';
import { branchId, groupOf, readTraces } from './read.ts';
import type { GraphNode, TraceRecord } from './record.ts';

/** One method's credit of a trajectory, as `creditbench credit` writes it. */
export interface CreditedTrajectory {
  readonly group: string;
  readonly id: string;
  /** Per turn: null (not trained here), or per token a number, null for a token that is not trained. */
  readonly advantages: readonly (readonly (number | null)[] | null)[];
}

/**
 * The lines of a file of verifiers traces with the `advantages` of every sampled node filled in, and nothing else changed:
 * all other bytes are those of the file (the line ends are not part of what is given).
 *
 * A node that several branches share is in the training sample of each, so it has the mean of what they were credited
 * with: what is added up over the samples is then the method's gradient. A node that is trained in none of them has null,
 * as verifiers has for what no method scored, and a token that is not trained has 0.
 * @param path the file that the trajectories were read from.
 * @param credited the credit of its trajectories, in the order in which the reader gives them.
 * @throws InputError as the reader does, and when a sampled message has no token ids to credit.
 * @throws Error when the credit is of other trajectories.
 */
export async function* writeVerifiers(
  path: string,
  credited: AsyncIterable<CreditedTrajectory> | Iterable<CreditedTrajectory>,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const rows = iterator(credited);
  try {
    for await (const line of textLines(path, signal)) {
      const where = `${path}, line ${line.line}`;
      const byNode = new Map<string, readonly number[] | undefined>();
      for (const { trace, branches } of readTraces(parseJsonLine(path, line), where, () => {})) {
        const own: CreditedTrajectory[] = [];
        for (const index of branches.keys()) own.push(await next(rows, trace, branches, index, where));
        for (const [node, values] of meansOf(trace, branches, own, where)) {
          byNode.set(trace.nodes[node]!.field, values);
        }
      }
      yield spliced(line.text, byNode);
    }
    if ((await rows.next()).done !== true) throw new Error(`${path}: more credit than trajectories`);
  } finally {
    await rows.return?.();
  }
}

function iterator<T>(values: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> | Iterator<T> {
  return Symbol.asyncIterator in values ? values[Symbol.asyncIterator]() : values[Symbol.iterator]();
}

async function next(
  rows: AsyncIterator<CreditedTrajectory> | Iterator<CreditedTrajectory>,
  trace: TraceRecord,
  branches: readonly Branch[],
  index: number,
  where: string,
): Promise<CreditedTrajectory> {
  const { value, done } = await rows.next();
  const [group, id] = [groupOf(trace), branchId(trace, branches, index)];
  if (done !== true && value.group === group && value.id === id) return value;
  const found = done === true ? 'nothing' : `that of '${value.group}', '${value.id}'`;
  throw new Error(`${where}: the credit of '${group}', '${id}' is missing; there is ${found}`);
}

/** What every sampled node is credited with, by its index; undefined if nothing trains it. */
function meansOf(
  { nodes }: TraceRecord,
  branches: readonly Branch[],
  credited: readonly CreditedTrajectory[],
  where: string,
): ReadonlyMap<number, readonly number[] | undefined> {
  const sums = new Map<number, Float64Array | undefined>();
  const users = new Map<number, Set<number>>();
  for (const [index, { turns }] of branches.entries()) {
    for (const [at, { action }] of turns.entries()) {
      const { node, from, to, sampledBefore } = action;
      if (to === from) throw noIds(nodes[node]!, where);
      if (!users.has(node)) users.set(node, new Set());
      users.get(node)!.add(index);
      const values = credited[index]!.advantages[at];
      if (values == null) {
        if (!sums.has(node)) sums.set(node, undefined);
        continue;
      }
      if (values.length !== to - from) {
        throw new Error(`${where}: ${values.length} advantages for the ${to - from} tokens of turn ${at}`);
      }
      const sum = sums.get(node) ?? new Float64Array(nodes[node]!.mask.filter((is) => is).length);
      sums.set(node, sum);
      for (const [t, value] of values.entries()) sum[sampledBefore + t]! += value ?? 0;
    }
  }
  return new Map(
    [...sums].map(([node, sum]) => [node, sum && [...sum].map((value) => value / users.get(node)!.size)]),
  );
}

const noIds = ({ field }: GraphNode, where: string): InputError =>
  new InputError(
    `${where}: ${field} has no token_ids, so its tokens have no advantages; valid: traces with ids (a renderer client), or without --write verifiers`,
  );

/** The line with the advantages of its nodes: only they are written again. */
function spliced(line: string, byNode: ReadonlyMap<string, readonly number[] | undefined>): string {
  const parts: string[] = [];
  let done = 0;
  const put = (from: number, to: number, text: string): void => {
    parts.push(line.slice(done, from), text);
    done = to;
  };
  for (const [field, nodes] of nodeLists(line)) {
    for (const [index, node] of membersAt(line, nodes.start).entries()) {
      const name = `${field}nodes[${index}]`;
      if (!byNode.has(name)) continue;
      const values = byNode.get(name);
      const members = membersAt(line, node.start);
      const text = values === undefined ? 'null' : JSON.stringify(values);
      const old = members.findLast(({ key }) => key === 'advantages');
      if (old !== undefined) put(old.start, old.end, text);
      else if (values !== undefined) put(members.at(-1)!.end, members.at(-1)!.end, `,"advantages":${text}`);
    }
  }
  return parts.join('') + line.slice(done);
}

/** The lists of nodes of a line, by what their names begin with. Of repeated keys the last counts, as for JSON.parse. */
function nodeLists(line: string): readonly (readonly [string, Span])[] {
  const record = membersAt(line, skipSpace(line, 0));
  const of = (members: readonly Span[], key: string) => members.findLast((span) => span.key === key);
  const traces = of(record, 'traces');
  if (traces === undefined) return [['', of(record, 'nodes')!]];
  return membersAt(line, traces.start).map((trace, index) => [
    `traces[${index}].`,
    of(membersAt(line, trace.start), 'nodes')!,
  ]);
}
