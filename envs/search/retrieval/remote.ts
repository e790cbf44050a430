import { createHash } from 'node:crypto';
import { InputError } from '../../../core/errors.ts';
import { parseReply } from './remote-reply.ts';
import { type Endpoint, postJson } from './remote-request.ts';
import type { Hit, Retriever } from './retriever.ts';

/**
 * Where and how to ask a retrieval server.
 * @experimental
 */
export interface RemoteRetrieverOptions {
  /**
   * http or https address of the server, with or without its path '/retrieve'. A user and a password in it are
   * sent as HTTP basic authentication and shown nowhere.
   */
  readonly url: string;
  /** What the server holds (corpus, model, version): it cannot be asked, and it is part of the fingerprint. */
  readonly name: string;
  /** Milliseconds that one request may take, its reply included; 1 to 300,000. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Further attempts after a failure that may pass; 0 to 20. Default 3. */
  readonly retries?: number | undefined;
  /** Milliseconds before the first further attempt, doubled before each next one; 0 to 60,000. Default 250. */
  readonly backoffMs?: number | undefined;
  /** Queries per request; 1 to 10,000. Default 64. Larger batches go out one request after the other. */
  readonly batchSize?: number | undefined;
}

/**
 * A retriever that answers later.
 * @experimental
 */
export interface RemoteRetriever extends Retriever {
  /**
   * As `Retriever.search`, in the server's own order and with its own scores (0 where it sends none).
   * @param topK at least 1.
   * @throws InputError when `topK` is wrong, the server cannot be reached or its answer cannot be read.
   * @throws the signal's reason, at once, when it is aborted.
   */
  search(
    queries: readonly string[],
    topK: number,
    signal?: AbortSignal,
  ): Promise<readonly (readonly Hit[])[]>;
}

/**
 * A client for servers that speak Search-R1's protocol: POST { queries, topk, return_scores: true } to
 * '/retrieve'. Connection failures, time-outs and the statuses 429 and 5xx are tried again; other statuses and
 * replies that cannot be read are not. Nothing is asked before the first search.
 * @throws InputError when an option is wrong.
 * @experimental
 */
export function createRemoteRetriever(options: RemoteRetrieverOptions): RemoteRetriever {
  const { name, timeoutMs = 10_000, retries = 3, backoffMs = 250, batchSize = 64 } = options;
  const target = parseAddress(options.url);
  if (name.trim() === '')
    throw problem(target.label, 'name must say what the server holds, got an empty one');
  checkInteger(target.label, 'timeoutMs', timeoutMs, 1, 300_000);
  checkInteger(target.label, 'retries', retries, 0, 20);
  checkInteger(target.label, 'backoffMs', backoffMs, 0, 60_000);
  checkInteger(target.label, 'batchSize', batchSize, 1, 10_000);
  const endpoint: Endpoint = { ...target, timeoutMs, retries, backoffMs };
  return {
    fingerprint: createHash('sha256')
      .update(JSON.stringify({ kind: 'remote', url: target.url, name }))
      .digest('hex'),
    description: `${name} at ${target.label}`,
    search: async (queries, topK, signal) => {
      checkInteger(target.label, 'topK', topK, 1, Number.MAX_SAFE_INTEGER);
      signal?.throwIfAborted();
      const found: (readonly Hit[])[] = [];
      for (let start = 0; start < queries.length; start += batchSize) {
        const batch = queries.slice(start, start + batchSize);
        const body = JSON.stringify({ queries: batch, topk: topK, return_scores: true });
        const reply = await postJson(endpoint, body, signal);
        found.push(...parseReply(reply, batch.length, topK, (message) => problem(target.label, message)));
      }
      return found;
    },
  };
}

/** `label` is what messages show: an address without credentials and without parameters, which may be secret. */
function parseAddress(given: string): Pick<Endpoint, 'url' | 'label' | 'authorization'> {
  // What was given is not repeated: it may hold a password.
  if (!URL.canParse(given)) throw problem('unreadable', 'must be an http or https address');
  const address = new URL(given);
  if (address.protocol !== 'http:' && address.protocol !== 'https:') {
    throw problem('unreadable', `must be an http or https address, got one of ${address.protocol}`);
  }
  const { username, password } = address;
  address.username = '';
  address.password = '';
  address.hash = '';
  const path = address.pathname.replace(/\/+$/, '');
  address.pathname = path.endsWith('/retrieve') ? path : `${path}/retrieve`;
  return {
    url: address.href,
    label: address.origin + address.pathname,
    authorization: username === '' && password === '' ? undefined : basic(username, password),
  };
}

function basic(username: string, password: string): string {
  const plain = [username, password].map(decoded).join(':');
  return `Basic ${Buffer.from(plain).toString('base64')}`;
}

/** Addresses hold credentials percent-encoded; a stray '%' is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function checkInteger(label: string, name: string, value: number, lowest: number, highest: number): void {
  if (!Number.isInteger(value) || value < lowest || value > highest) {
    throw problem(label, `${name} must be an integer from ${lowest} to ${highest}, got ${value}`);
  }
}

function problem(label: string, message: string): InputError {
  return new InputError(`option retriever (${label}): ${message}`);
}
