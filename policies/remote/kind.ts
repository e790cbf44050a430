import type { z } from 'zod';

/** A request for the continuation of a prompt. */
export interface WriteRequest {
  readonly model: string;
  /** The prompt, and what of the action is there already. */
  readonly ids: readonly number[];
  /** Tokens to write, at most. */
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  /** The most likely token each time. */
  readonly greedy: boolean;
  /** 0 to 2^31 - 1. */
  readonly seed: number;
  /** Most likely tokens whose log-probabilities come with each token, 1 or more. */
  readonly top: number;
  /** Texts that end the action; sent where the server keeps the log-probabilities of their tokens. */
  readonly stops: readonly string[];
}

/** A token and its log-probability, nats. */
export interface ScoredId {
  readonly id: number;
  readonly logProb: number;
}

/** What a server wrote. */
export interface Written {
  readonly ids: readonly number[];
  /** One per id; undefined where the server gives none for a token. */
  readonly logProbs: readonly (number | undefined)[];
  /** The most likely tokens at each id, the first first; empty where the server gives none. */
  readonly top: readonly (readonly ScoredId[])[];
  /** `end`: with the model's own end token, which is the last id. `limit`: `maxTokens`, or a stop. */
  readonly ended: 'end' | 'limit';
}

/** Tokens to be scored: `ids[from]` and all after it. */
export interface ScoreRequest {
  readonly model: string;
  readonly ids: readonly number[];
  readonly from: number;
}

/** A body to be sent, and where. */
export interface Message {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a server says of itself. */
export interface ServerAbout {
  readonly version?: string | undefined;
  readonly models: readonly string[];
  /** Tokens of a context, prompt and answer together. */
  readonly context?: number | undefined;
  /** Ids of the model. */
  readonly vocabulary?: number | undefined;
  /** Requests at the same time, each with a cache of its own. Absent: the cache is common. */
  readonly slots?: number | undefined;
}

/**
 * How a kind of server is asked, and where ids, log-probabilities and stops stand in its answers. Pure functions; they
 * throw a `BadReply` for answers that they cannot read.
 */
export interface ServerKind {
  readonly id: 'llama.cpp' | 'sglang' | 'vllm';
  /** Whether its own stop strings leave all tokens their log-probabilities; otherwise it is asked for short pieces. */
  readonly stops: boolean;
  /** Whether log-probabilities of the distribution that tokens are drawn from can be asked for. */
  readonly sampling: 'as asked' | 'as started';
  /** What to do if its log-probabilities are those before temperature and nucleus; for messages. */
  readonly processed: string;
  write(request: WriteRequest): Message;
  readWritten(reply: unknown, request: WriteRequest): Written;
  /** Absent: given tokens cannot be scored. */
  readonly score?: {
    write(request: ScoreRequest): Message;
    /** A log-probability per id from `from` on, before temperature. */
    read(reply: unknown, request: ScoreRequest): readonly number[];
  };
  /** How it is recognised: what is got from these paths, undefined where there is nothing. Undefined: another kind. */
  readonly recognise: {
    readonly paths: readonly string[];
    about(replies: readonly unknown[]): ServerAbout | undefined;
  };
}

/** An answer is not what it should be. The client adds which server and which request. */
export class BadReply extends Error {}

/** Reads an answer by a schema. @throws BadReply naming the first field that is wrong. */
export function readReply<Schema extends z.ZodType>(schema: Schema, reply: unknown): z.output<Schema> {
  const read = schema.safeParse(reply);
  if (read.success) return read.data;
  const { path, message } = read.error.issues[0]!;
  throw new BadReply(`${path.length === 0 ? 'the answer' : path.map(String).join('.')}: ${message}`);
}
