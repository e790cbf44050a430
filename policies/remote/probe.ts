import { InputError } from '../../core/errors.ts';
import { checkWritten } from './check.ts';
import { type Client, Refused, ServerError } from './client.ts';
import type { ScoredId, ServerAbout, ServerKind, WriteRequest, Written } from './kind.ts';
import { SERVER_KINDS } from './kinds.ts';

/** What log-probabilities are of: the softmax as it is, or the distribution that tokens are drawn from. */
export type LogProbsOf = 'softmax' | 'sampling';

/** What a server is and can do. Found out by asking it. */
export interface ServerReport extends ServerAbout {
  readonly url: string;
  readonly kind: ServerKind['id'];
  /** The model that is asked for. */
  readonly model: string;
  /** Most likely tokens that come with every token. */
  readonly topLogProbs: number;
  /** What the log-probabilities are of, at a temperature other than 1. */
  readonly temperature: LogProbsOf;
  /** The same in a nucleus. */
  readonly nucleus: LogProbsOf;
  /** The same seed gave the same tokens. */
  readonly deterministic: boolean;
  /** Whether tokens that are given can be scored. */
  readonly scores: boolean;
  /** Of those, the greatest distance to what the server said when it wrote them, nats. Absent: it cannot score. */
  readonly scoreDistance?: number;
}

export interface ProbeOptions {
  /** Default: found out. */
  readonly kind?: ServerKind['id'] | undefined;
  /** Default: the server's first. */
  readonly model?: string | undefined;
  readonly topLogProbs: number;
  /** A prompt of the model's ids, at least one. */
  readonly ids: readonly number[];
  /** Ids of the model, where the server does not say. */
  readonly vocabulary: number;
}

/** A temperature that doubles distances between log-probabilities. */
const COLD = 0.5;
const NUCLEUS = 0.5;
const TOKENS = 8;
/** Distances below this are rounding. */
const NEAR = 0.01;

/** Finds out what kind of server it is. @throws InputError when it is none of the known, or not the named one. */
export async function recognise(
  client: Client,
  kind: ServerKind['id'] | undefined,
): Promise<{ readonly kind: ServerKind; readonly about: ServerAbout }> {
  for (const candidate of SERVER_KINDS) {
    if (kind !== undefined && candidate.id !== kind) continue;
    const replies: unknown[] = [];
    for (const path of candidate.recognise.paths) replies.push(await client.get(path));
    const about = candidate.recognise.about(replies);
    if (about !== undefined) return { kind: candidate, about };
  }
  const known = SERVER_KINDS.map(({ id, recognise: { paths } }) => `${id} (GET ${paths[0]})`).join(', ');
  throw new InputError(
    kind === undefined
      ? `server ${client.url}: it answers like none of the known kinds: ${known}`
      : `kind: the server at ${client.url} does not answer as ${kind} does; valid: auto, or one of ${known}`,
  );
}

/**
 * Asks a server what it is, and measures on a few tokens what its answers mean.
 * @throws InputError naming what is missing, ServerError when it does not answer.
 */
export async function probeServer(
  client: Client,
  options: ProbeOptions,
): Promise<{ readonly kind: ServerKind; readonly report: ServerReport }> {
  const { kind, about } = await recognise(client, options.kind);
  const model = options.model ?? about.models[0]!;
  if (kind.id !== 'llama.cpp' && !about.models.includes(model)) {
    throw new InputError(
      `model: the server at ${client.url} has no model '${model}'; valid: ${about.models.join(', ')}`,
    );
  }
  const size = about.vocabulary ?? options.vocabulary;
  const base: WriteRequest = {
    model,
    ids: options.ids,
    maxTokens: TOKENS,
    temperature: 1,
    topP: 1,
    greedy: false,
    seed: 1,
    top: options.topLogProbs,
    stops: [],
  };
  const write = (change: Partial<WriteRequest> = {}): Promise<Written> => {
    const request = { ...base, ...change };
    return client.post(kind.write(request), (reply) =>
      checkWritten(kind.readWritten(reply, request), request, size),
    );
  };
  const plain = await firstAnswer(write, options.topLogProbs);
  const again = await write();
  const cold = await write({ temperature: COLD, maxTokens: 1 });
  const nucleus = await write({ topP: NUCLEUS, maxTokens: 1 });
  const scored = await scoreDistance(client, kind, { ...base, written: plain });
  return {
    kind,
    report: {
      url: client.url,
      kind: kind.id,
      ...about,
      model,
      topLogProbs: options.topLogProbs,
      temperature: atTemperature(client.url, plain, cold),
      nucleus: inNucleus(plain, nucleus),
      deterministic: plain.ids.join() === again.ids.join(),
      scores: kind.score !== undefined,
      ...(scored === undefined ? {} : { scoreDistance: scored }),
    },
  };
}

/** The first answer; if the server refuses so many log-probabilities, how many it gives. */
async function firstAnswer(
  write: (change?: Partial<WriteRequest>) => Promise<Written>,
  wanted: number,
): Promise<Written> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 400) throw error;
    for (const top of [100, 50, 20, 10, 5, 2, 1].filter((one) => one < wanted)) {
      const fewer = await write({ top, maxTokens: 1 }).catch(() => undefined);
      if (fewer === undefined) continue;
      throw new InputError(
        `topLogProbs: ${wanted} is not valid, the server takes ${top} (${error.message}); valid: 1 to ${top}, or start the server with more`,
      );
    }
    throw error;
  }
}

async function scoreDistance(
  client: Client,
  { score }: ServerKind,
  { model, ids, written }: WriteRequest & { readonly written: Written },
): Promise<number | undefined> {
  if (score === undefined) return undefined;
  const request = { model, ids: [...ids, ...written.ids], from: ids.length };
  const found = await client.post(score.write(request), (reply) => score.read(reply, request));
  return Math.max(...found.map((value, index) => Math.abs(value - (written.logProbs[index] ?? value))));
}

/** Compares the distances between the first token's candidates at two temperatures. */
function atTemperature(url: string, plain: Written, cold: Written): LogProbsOf {
  const before = plain.top[0]!;
  const after = new Map(cold.top[0]!.map(({ id, logProb }) => [id, logProb]));
  const common = before.filter(({ id }) => after.has(id));
  const [first, last] = [common[0], common.at(-1)];
  const gap = (first?.logProb ?? 0) - (last?.logProb ?? 0);
  if (gap < 5 * NEAR) return onlyFirst(before, cold.top[0]!);
  const coldGap = after.get(first!.id)! - after.get(last!.id)!;
  if (Math.abs(coldGap - gap) < NEAR) return 'softmax';
  if (Math.abs(coldGap - gap / COLD) < 2 * NEAR) return 'sampling';
  throw new ServerError(
    `server ${url}: log-probabilities ${gap.toFixed(3)} apart at temperature 1 are ${coldGap.toFixed(3)} apart at temperature ${COLD}; valid: ${gap.toFixed(3)} (of the softmax) or ${(gap / COLD).toFixed(3)} (of the sampling distribution)`,
  );
}

/** With one candidate: whether its log-probability changed. */
const onlyFirst = ([before]: readonly ScoredId[], [after]: readonly ScoredId[]): LogProbsOf =>
  before?.id === after?.id && Math.abs(before!.logProb - after!.logProb) < NEAR ? 'softmax' : 'sampling';

/** In a nucleus the most likely token becomes likelier. */
function inNucleus(plain: Written, nucleus: Written): LogProbsOf {
  const [before, after] = [plain.top[0]![0]!, nucleus.top[0]![0]!];
  return after.logProb - before.logProb > NEAR ? 'sampling' : 'softmax';
}
