import { randomUUID } from 'node:crypto';
import pRetry from 'p-retry';
import type { ZodType } from 'zod';
import { InputError, MachineError } from '../../core/errors.ts';

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

/** No answer came in time. */
export class HangError extends MachineError {}

/** Statuses after which the same request may succeed: it was refused for now, or the server failed. */
const REFUSED_FOR_NOW = [425, 429, 503];
const MAY_PASS = [...REFUSED_FOR_NOW, 408, 500, 502, 504];

/** Codes of connections that were never made. */
const NEVER_SENT = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];

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
  if (!(error instanceof MachineError) || error instanceof HangError) return false;
  return repeatable || NEVER_SENT.includes(codeOf(error));
}

/** The code of an error or of what it says to be its cause. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return (error as NodeJS.ErrnoException).code ?? codeOf(error.cause);
}

/** 'fetch failed' says nothing; its cause does. */
const innermost = (error: unknown): string => {
  const { message, cause } = error as Error;
  return cause instanceof Error ? innermost(cause) : message;
};

async function once<Answer>(
  { server, key, requestSeconds, signal }: Connection,
  { name, body, schema, about = '' }: Call<Answer>,
  id: string,
): Promise<Answer> {
  const where = `tinker server ${server}, ${name}${about}`;
  // What a server says is quoted, and it may say what it was sent.
  const quote = (said: string): string => shorten(key === undefined ? said : said.replaceAll(key, '***'));
  const timeout = AbortSignal.timeout(1000 * requestSeconds);
  let text: string;
  let status: number;
  try {
    const response = await fetch(`${server}/api/v1/${name}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'X-Idempotency-Key': id,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(key === undefined ? {} : { 'X-API-Key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, timeout]),
    });
    ({ status } = response);
    text = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) {
      throw new HangError(`${where}: no answer in ${requestSeconds} s`);
    }
    const code = codeOf(error);
    throw new MachineError(
      `${where}: ${NEVER_SENT.includes(code) ? 'cannot be reached' : 'the connection broke'} (${code || innermost(error)})`,
      { cause: error },
    );
  }
  if (status === 401 || status === 403) {
    throw new InputError(
      `${where}: the server refuses the key (HTTP ${status}); valid: a key in the variable that policy.options.keyVariable names`,
    );
  }
  if (status < 200 || status > 299) {
    throw new StatusError(`${where}: HTTP ${status}: ${quote(detailOf(text))}`, status);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new MachineError(`${where}: the answer is not JSON: ${quote(text)}`);
  }
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  const { path, message } = read.error.issues[0]!;
  throw new Error(`${where}: the answer's ${path.join('.') || 'content'} is wrong: ${message}`);
}

/** What an error says, as FastAPI and others wrap it. */
function detailOf(text: string): string {
  try {
    const { detail, error, message } = JSON.parse(text) as Record<string, unknown>;
    const said = detail ?? error ?? message ?? text;
    return typeof said === 'string' ? said : JSON.stringify(said);
  } catch {
    return text;
  }
}

/** The beginning of what a server said. */
const shorten = (text: string): string =>
  text.length > 300 ? `${text.slice(0, 300)} … (${text.length} characters)` : text || 'nothing';
