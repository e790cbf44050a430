import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../../../core/errors.ts';
import { printable } from '../../../core/printable.ts';

/** Where requests go and how long they are tried. Units as in `RemoteRetrieverOptions`. */
export interface Endpoint {
  readonly url: string;
  /** The address as messages show it: without anything secret. */
  readonly label: string;
  /** Value of the header of that name. */
  readonly authorization: string | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly backoffMs: number;
}

/** Bytes of a reply, at most, after decompression: a server gone wrong must not use up the memory. */
const MAX_REPLY_BYTES = 64 * 2 ** 20;
/** Bytes read of a reply that reports an error. */
const MAX_ERROR_BYTES = 4096;

/** What one attempt gave: the reply's text, or why there is none and whether another attempt may help. */
type Outcome = { readonly text: string } | { readonly problem: string; readonly mayPass: boolean };

/**
 * Posts JSON, repeatedly if need be, and gives the reply's JSON value.
 * @throws InputError that says what happened and how many attempts were made.
 * @throws the signal's reason as soon as it is aborted.
 */
export async function postJson(endpoint: Endpoint, body: string, signal?: AbortSignal): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryOnce(endpoint, body, signal);
    if ('text' in outcome) return parseJson(endpoint.label, outcome.text);
    if (!outcome.mayPass || attempt > endpoint.retries) {
      const attempts = attempt === 1 ? '1 attempt' : `${attempt} attempts`;
      throw new InputError(`option retriever (${endpoint.label}): ${outcome.problem}; ${attempts} made`);
    }
    await pause(endpoint.backoffMs * 2 ** (attempt - 1), signal);
  }
}

async function tryOnce(endpoint: Endpoint, body: string, signal?: AbortSignal): Promise<Outcome> {
  signal?.throwIfAborted();
  const request = new AbortController();
  const stop = (): void => request.abort();
  const timer = setTimeout(stop, endpoint.timeoutMs);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await exchange(endpoint, body, request);
  } catch (error) {
    signal?.throwIfAborted();
    const timedOut = request.signal.aborted;
    const problem = timedOut ? `timed out after ${endpoint.timeoutMs} ms` : connectionProblem(error);
    return { problem, mayPass: true };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

async function exchange(
  { url, authorization }: Endpoint,
  body: string,
  request: AbortController,
): Promise<Outcome> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
    },
    body,
    // A redirected POST may silently become a GET.
    redirect: 'manual',
    signal: request.signal,
  });
  const { status } = response;
  if (!response.ok) {
    const { bytes } = await readUpTo(response, MAX_ERROR_BYTES);
    const said = printable(new TextDecoder().decode(bytes)).slice(0, 200).trim();
    const problem = said === '' ? `HTTP ${status}` : `HTTP ${status}, saying '${said}'`;
    return { problem, mayPass: status === 429 || status >= 500 };
  }
  const { bytes, more } = await readUpTo(response, MAX_REPLY_BYTES);
  if (more) return { problem: `the reply has more than ${MAX_REPLY_BYTES} bytes`, mayPass: false };
  const text = decodeUtf8(bytes);
  return text === undefined ? { problem: 'the reply is not UTF-8', mayPass: false } : { text };
}

/** The first `limit` bytes; what comes after them is not read. */
async function readUpTo(
  response: Response,
  limit: number,
): Promise<{ readonly bytes: Buffer; readonly more: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early cancels the stream, which closes the connection.
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > limit) break;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, limit), more: size > limit };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function parseJson(label: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const start = printable(text.slice(0, 200)).trim();
    throw new InputError(`option retriever (${label}): the reply is not JSON; it starts with '${start}'`);
  }
}

async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

const CONNECTION_PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused (is the server running?)',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found',
  ECONNRESET: 'connection closed before the reply was complete',
  UND_ERR_SOCKET: 'connection closed before the reply was complete',
};

/** What fetch reports as 'fetch failed' or 'terminated', with the reason in its cause. */
function connectionProblem(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  const known = code === undefined ? undefined : CONNECTION_PROBLEMS[code];
  return known ?? `connection failed (${printable(cause instanceof Error ? cause.message : String(cause))})`;
}
