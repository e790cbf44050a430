import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { ALGORITHMS } from '../algorithms/registry.ts';
import { creditRequestSchema, REQUEST_LIMITS } from '../bench/trajectories/request.ts';
import { trajectoryJsonSchema } from '../bench/trajectories/trajectory.ts';
import { packageInfo } from '../core/package.ts';
import type { Computing } from './credit-process.ts';
import { type Reply, refusal } from './credit-reply.ts';

/** Bytes of a body, at most, and of all bodies that are held at the same time. */
export const MAX_BODY = 256 * 2 ** 20;
const MAX_HELD = 2 * MAX_BODY;

export interface CreditServerOptions {
  readonly computing: Computing;
  /** What requests have to bring: `Authorization: Bearer …`. Default: nothing. */
  readonly token?: string;
  /** Names of hosts that requests may be for. Default: any. A name of somebody else may lead here. */
  readonly hosts?: readonly string[];
  /** Called with what whoever runs the server should see. */
  readonly onBug?: (text: string) => void;
  /** For tests. */
  readonly maxBody?: number;
}

/** `creditbench serve` without the command: credit over HTTP. Listens to nothing yet. */
export function creditServer(options: CreditServerOptions): Server {
  const { maxBody = MAX_BODY } = options;
  const memory = { held: 0 };
  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const refused = gatekeeper(request, options);
    if (refused !== undefined) return refused;
    const path = (request.url ?? '').split('?')[0]!;
    const route = ROUTES[path];
    if (route === undefined)
      return refusal(404, `there is no '${path}'; valid: ${Object.keys(ROUTES).join(', ')}`);
    if (request.method !== route.method) {
      return refusal(405, `${path} is not for ${request.method}; valid: ${route.method}`);
    }
    if (route.method === 'GET') return { status: 200, pieces: [Buffer.from(JSON.stringify(route.answer()))] };
    const body = await readBody(request, maxBody, memory);
    if ('refused' in body) return body.refused;
    try {
      return await options.computing.reply(body.bytes);
    } finally {
      memory.held -= body.length;
    }
  };
  const server = createServer((request, response) => {
    answer(request).then(
      (reply) => {
        if (reply.bug !== undefined) options.onBug?.(reply.bug);
        send(request, response, reply);
      },
      // The client went away.
      () => response.destroy(),
    );
  });
  server.maxConnections = 256;
  return server;
}

const ROUTES: Readonly<Record<string, { method: 'GET'; answer: () => unknown } | { method: 'POST' }>> =
  Object.assign(Object.create(null), {
    '/v1/credit': { method: 'POST' },
    '/v1/algorithms': { method: 'GET', answer: describeAlgorithms },
    '/v1/schema': {
      method: 'GET',
      answer: () => ({
        request: z.toJSONSchema(creditRequestSchema, { io: 'input' }),
        trajectory: trajectoryJsonSchema(),
        limits: { ...REQUEST_LIMITS, bytes: MAX_BODY },
      }),
    },
    '/v1/health': { method: 'GET', answer: () => ({ name: 'creditbench', version: packageInfo().version }) },
  });

function describeAlgorithms(): unknown {
  return ALGORITHMS.map(({ id, description, schema, ...rest }) => {
    const options = schema.parse({});
    const { needs, heads } = rest as {
      needs?: (options: unknown) => readonly string[];
      heads?: (options: unknown) => readonly { name: string }[];
    };
    return {
      id,
      title: description.title,
      paper: description.paper,
      options,
      needs: needs?.(options) ?? [],
      heads: heads?.(options).map(({ name }) => name) ?? [],
    };
  });
}

/** Refuses what a web page could send, and whoever does not know the token. */
function gatekeeper({ headers }: IncomingMessage, { hosts, token }: CreditServerOptions): Reply | undefined {
  const host = (headers.host ?? '').replace(/:\d*$/, '').toLowerCase();
  if (hosts !== undefined && !hosts.includes(host)) {
    return refusal(403, `the request is for the host '${host}'; valid: ${hosts.join(', ')}`);
  }
  const site = headers['sec-fetch-site'];
  if (headers.origin !== undefined || (site !== undefined && site !== 'none')) {
    return refusal(403, 'the request comes from a web page; valid: programs');
  }
  if (token === undefined) return undefined;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`))
    ? undefined
    : refusal(
        401,
        "the request has another token than the server, or none; valid: the header 'Authorization: Bearer TOKEN'",
      );
}

/** The body of a request in memory of its own, if it is JSON and not too large. Its length is counted in `memory`. */
async function readBody(
  request: IncomingMessage,
  most: number,
  memory: { held: number },
): Promise<{ readonly bytes: Uint8Array; readonly length: number } | { readonly refused: Reply }> {
  const {
    'content-type': type = '',
    'content-encoding': encoding = 'identity',
    'content-length': said,
  } = request.headers;
  if (!/^application\/json *(;|$)/i.test(type) || encoding !== 'identity') {
    return {
      refused: refusal(
        415,
        `the body is '${type}', encoded as ${encoding}; valid: application/json, not encoded`,
      ),
    };
  }
  const tooLarge = { refused: refusal(413, `the body has more than ${most} bytes; valid: at most ${most}`) };
  if (Number(said) > most) return tooLarge;
  const chunks: Buffer[] = [];
  let length = 0;
  let isKept = false;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      length += chunk.length;
      memory.held += chunk.length;
      if (length > most) return tooLarge;
      if (memory.held > MAX_HELD) {
        return { refused: refusal(503, 'the server holds too many requests; valid: one after the other') };
      }
      chunks.push(chunk);
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    isKept = true;
    return { bytes, length };
  } finally {
    if (!isKept) memory.held -= length;
  }
}

/** Answers when all of a body has come, also of one that is refused: a client that is still sending reads nothing. */
function send(request: IncomingMessage, response: ServerResponse, { status, pieces }: Reply): void {
  if (!request.complete) {
    request.on('end', () => send(request, response, { status, pieces })).resume();
    return;
  }
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': pieces.reduce((sum, { length }) => sum + length, 0),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  for (const piece of pieces) response.write(piece);
  response.end();
}
