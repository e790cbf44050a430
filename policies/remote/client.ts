import pLimit from 'p-limit';
import pRetry, { AbortError } from 'p-retry';
import { InputError, MachineError } from '../../core/errors.ts';
import { exchange, NoAnswer, problemIn, quoted } from '../http.ts';
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

/** A client of one server. */
export function createClient(options: ClientOptions): Client {
  const { url, key, concurrency, timeoutMs, retries, backoffMs = 500, signal } = options;
  const limit = pLimit(concurrency);
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };

  const request = async (path: string, body: unknown): Promise<unknown> => {
    const where = `server ${url}, ${body === undefined ? 'GET' : 'POST'} ${path}`;
    const { status, text } = await exchange({ where, url: url + path, headers, body, timeoutMs, signal });
    if (status >= 200 && status <= 299) {
      try {
        return JSON.parse(text);
      } catch {
        throw new ServerError(`${where}: the answer is no JSON: ${quoted(text, key)}`);
      }
    }
    const problem = `${where}: HTTP ${status}: ${quoted(problemIn(text), key)}`;
    if (status >= 500 || status === 429 || status === 408) throw new Passing(problem);
    const hint = status === 401 || status === 403 ? '; valid: a key that the server takes' : '';
    throw new Refused(problem + hint, status);
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

/** A failure that may pass, as no answer may. */
class Passing extends ServerError {}

const isPassing = (error: unknown): error is Error => error instanceof Passing || error instanceof NoAnswer;

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
          if (isPassing(error)) throw error;
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
    if (!isPassing(error) || retries === 0) throw error;
    throw new ServerError(`${error.message} (tried ${retries + 1} times)`);
  }
}
