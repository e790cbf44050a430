import pLimit from 'p-limit';
import pRetry, { AbortError } from 'p-retry';
import { InputError, MachineError } from '../../core/errors.ts';
import { BadReply, type Message } from './kind.ts';

/** How a server is reached. */
export interface ClientOptions {
  /** Address without a path of its own: 'http://127.0.0.1:8080'. */
  readonly url: string;
  /** Sent as a bearer token, and shown nowhere. */
  readonly key?: string | undefined;
  /** Requests at the same time. */
  readonly concurrency: number;
  /** Milliseconds that one request may take, its answer included. */
  readonly timeoutMs: number;
  /** Attempts after the first that failed in passing: no connection, a time-out, 408, 429 and 5xx. */
  readonly retries: number;
  /** Milliseconds before the second attempt, doubled before each next one. Default 500. */
  readonly backoffMs?: number | undefined;
  /** Ends everything that is waited for. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A server did not do what it should: it does not answer, or what it answers cannot be used. The work is not to blame.
 */
export class ServerError extends MachineError {
  override readonly name = 'ServerError';
}

/** Asks a server. */
export interface Client {
  readonly url: string;
  /**
   * Sends a body and reads the answer.
   * @throws ServerError when there is no answer, or `read` throws a BadReply.
   * @throws InputError when the server refuses the request (400, 401, 404, …), with what it says.
   * @throws the signal's reason, at once, when it is aborted.
   */
  post<Result>(message: Message, read: (reply: unknown) => Result): Promise<Result>;
  /** What is at a path; undefined if the server answers that there is nothing. One attempt. */
  get(path: string): Promise<unknown>;
}

/** Characters of an answer that a message shows. */
const SHOWN = 300;

/** A client of one server. */
export function createClient(options: ClientOptions): Client {
  const { url, key, concurrency, timeoutMs, retries, backoffMs = 500, signal } = options;
  const limit = pLimit(concurrency);
  const headers = {
    'content-type': 'application/json',
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
  };

  const request = async (path: string, body: unknown): Promise<unknown> => {
    const method = body === undefined ? 'GET' : 'POST';
    const label = `server ${url}, ${method} ${path}`;
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await fetch(url + path, {
        method,
        headers,
        redirect: 'error',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      const why = timeout.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error);
      throw new Passing(`${label}: ${why}`);
    }
    if (response.ok) {
      try {
        return JSON.parse(text);
      } catch {
        throw new ServerError(`${label}: the answer is no JSON: ${shown(text)}`);
      }
    }
    const problem = `${label}: HTTP ${response.status}: ${shown(messageIn(text))}`;
    if (response.status >= 500 || response.status === 429 || response.status === 408)
      throw new Passing(problem);
    const hint =
      response.status === 401 || response.status === 403 ? '; valid: a key that the server takes' : '';
    throw new Refused(problem + hint, response.status);
  };

  const post: Client['post'] = (message, read) =>
    limit(async () => {
      signal?.throwIfAborted();
      const reply = await retried(() => request(message.path, message.body), { retries, backoffMs, signal });
      try {
        return read(reply);
      } catch (error) {
        if (!(error instanceof BadReply)) throw error;
        throw new ServerError(`server ${url}, POST ${message.path}: ${error.message}`);
      }
    });

  return {
    url,
    post,
    get: async (path) => {
      try {
        return await request(path, undefined);
      } catch (error) {
        if (error instanceof Refused) return undefined;
        throw error;
      }
    },
  };
}

/** A failure that may pass. */
class Passing extends ServerError {}

/** The server does not take the request as it is. */
export class Refused extends InputError {
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

async function retried(
  work: () => Promise<unknown>,
  { retries, backoffMs, signal }: { retries: number; backoffMs: number; signal: AbortSignal | undefined },
): Promise<unknown> {
  try {
    return await pRetry(
      async () => {
        try {
          return await work();
        } catch (error) {
          if (error instanceof Passing) throw error;
          throw new AbortError(error as Error);
        }
      },
      {
        retries,
        minTimeout: backoffMs,
        factor: 2,
        maxTimeout: 30_000,
        ...(signal === undefined ? {} : { signal }),
      },
    );
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof Passing) || retries === 0) throw error;
    throw new ServerError(`${error.message} (tried ${retries + 1} times)`);
  }
}

/** What fetch means by 'fetch failed'. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  const { code, message: inner } = (cause ?? {}) as { code?: string; message?: string };
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED)';
  return `the connection failed (${[inner ?? message, code].filter((part) => part !== undefined && part !== '').join(', ')})`;
}

/** The message in an error's body: { error: { message } }, { error }, { message }, { detail }; else the body. */
function messageIn(text: string): string {
  try {
    const body = JSON.parse(text);
    const found = body?.error?.message ?? body?.error ?? body?.message ?? body?.detail;
    return typeof found === 'string' ? found : text;
  } catch {
    return text;
  }
}

const shown = (text: string): string => {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line || 'an empty answer';
};
