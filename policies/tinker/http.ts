import { randomUUID } from 'node:crypto';
import pRetry from 'p-retry';
import type { ZodType } from 'zod';
import { InputError, MachineError } from '../../core/errors.ts';
import { exchange, NoAnswer, problemIn, quoted } from '../http.ts';

/** How a server is reached. */
export interface Connection {
  /** Its address without `/api/v1`: 'http://127.0.0.1:8000'. */
  readonly server: string;
  /** Sent as `X-API-Key`; in no message. */
  readonly key?: string;
  /** One HTTP request may take so long. */
  readonly requestSeconds: number;
  /** Further tries of a request that failed, if it may be sent again. */
  readonly retries: number;
  /** Seconds before the first further try; doubled with each, 30 at most. */
  readonly backoffSeconds: number;
  readonly signal: AbortSignal;
}

/** A request to one endpoint. */
export interface Call<Answer> {
  /** Its name: 'optim_step'. */
  readonly name: string;
  /** Absent: GET. */
  readonly body?: object;
  readonly schema: ZodType<Answer>;
  /**
   * Whether carrying it out twice does no harm. If not, it is sent again only if the server has certainly not carried it
   * out: a server need not heed `X-Idempotency-Key` (SkyRL 0.3.0 does not), and a gradient must not count twice.
   */
  readonly repeatable: boolean;
  /** What the request is for, for messages: ' of model_1'. */
  readonly about?: string;
}

/** The server answered with an HTTP status that is no success. */
export class StatusError extends MachineError {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Statuses after which the same request may succeed: it was refused for now, or the server failed. */
const REFUSED_FOR_NOW = [425, 429, 503];
const MAY_PASS = [...REFUSED_FOR_NOW, 408, 500, 502, 504];

/**
 * Asks a server and checks what it answers.
 * @throws MachineError if it cannot be reached, fails or hangs (the same work may succeed another time); InputError if it
 *   refuses what it was asked or the key; Error if its answer is not what the API says. Each names the server and the call.
 */
export async function ask<Answer>(connection: Connection, call: Call<Answer>): Promise<Answer> {
  const { retries, backoffSeconds, signal } = connection;
  const id = randomUUID();
  return pRetry(() => once(connection, call, id), {
    retries,
    minTimeout: 1000 * backoffSeconds,
    maxTimeout: 30_000,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => !signal.aborted && mayRetry(error, call.repeatable),
  });
}

function mayRetry(error: Error, repeatable: boolean): boolean {
  if (error instanceof StatusError) return (repeatable ? MAY_PASS : REFUSED_FOR_NOW).includes(error.status);
  // What has hung once would cost the same time again.
  if (error instanceof NoAnswer) return error.why !== 'hang' && (repeatable || error.why === 'unreachable');
  return error instanceof MachineError && repeatable;
}

async function once<Answer>(
  { server, key, requestSeconds, signal }: Connection,
  { name, body, schema, about = '' }: Call<Answer>,
  id: string,
): Promise<Answer> {
  const where = `tinker server ${server}, ${name}${about}`;
  const { status, text } = await exchange({
    where,
    url: `${server}/api/v1/${name}`,
    headers: { 'X-Idempotency-Key': id, ...(key === undefined ? {} : { 'X-API-Key': key }) },
    body,
    timeoutMs: 1000 * requestSeconds,
    signal,
  });
  if (status === 401 || status === 403) {
    throw new InputError(
      `${where}: the server refuses the key (HTTP ${status}); valid: a key in the variable that policy.options.keyVariable names`,
    );
  }
  if (status < 200 || status > 299) {
    throw new StatusError(`${where}: HTTP ${status}: ${quoted(problemIn(text), key)}`, status);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new MachineError(`${where}: the answer is not JSON: ${quoted(text, key)}`);
  }
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  const { path, message } = read.error.issues[0]!;
  throw new Error(`${where}: the answer's ${path.join('.') || 'content'} is wrong: ${message}`);
}
