import { afterEach, describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import type { OwnedPolicy } from '../policy.ts';
import { createClient, ServerError } from './client.ts';
import { closeServers, connect, fakeServer, send, serve } from './fake.test-helper.ts';

afterEach(closeServers);

const act = (policy: OwnedPolicy, maxTokens = 4) =>
  policy.act(
    [
      {
        prompt: { text: '', tokens: Int32Array.of(0, 1) },
        random: createRandom(0),
        generation: { stops: ['.'], maxTokens },
      },
    ],
    { temperature: 1 },
  );

type LlamaReply = {
  tokens: number[];
  completion_probabilities: {
    id: number;
    logprob: number;
    top_logprobs: { id: number; logprob: number }[];
  }[];
};
type VllmReply = {
  choices: { token_ids?: number[]; logprobs: { token_logprobs: (number | null)[] } | null }[];
};

/** What goes wrong, and what is said of it. */
const LLAMA: readonly (readonly [string, (reply: LlamaReply) => unknown, RegExp])[] = [
  ['wrong JSON', () => '{"tokens": [1,', /the answer is no JSON: \{"tokens"/],
  ['another object', () => ({ ok: true }), /tokens: Invalid input/],
  ['no tokens', () => ({ tokens: [], stop_type: 'limit' }), /no token came back/],
  [
    'too many tokens',
    (reply) => ({ ...reply, tokens: [...reply.tokens, 1, 2] }),
    /6 tokens came back, 4 were asked for/,
  ],
  [
    'an id out of range',
    (reply) => withFirst(reply, { id: 999 }),
    /token 0: the id 999 is not one of the model's, 0 to 26/,
  ],
  ['a negative id', (reply) => withFirst(reply, { id: -1 }), /the id -1 is not/],
  [
    'a log-probability above 0',
    (reply) => withFirst(reply, { logprob: 0.5 }),
    /token 0: the log-probability is 0.5/,
  ],
  ['NaN', (reply) => withFirst(reply, { logprob: 'NaN' as never }), /completion_probabilities.0/],
  [
    'a likely token above 0',
    (reply) => withFirst(reply, { top_logprobs: [{ id: 1, logprob: 2 }] }),
    /token 0, likely token 0: the log-probability is 2/,
  ],
  [
    'probabilities of another token',
    (reply) => ({ ...reply, tokens: [...reply.tokens].reverse() }),
    /completion_probabilities\[\d\].id is \d+, which is not the next/,
  ],
  ['a context that was cut', (reply) => ({ ...reply, truncated: true }), /dropped a part of the context/],
];

function withFirst(
  reply: LlamaReply,
  change: Partial<LlamaReply['completion_probabilities'][0]>,
): LlamaReply {
  const [first, ...others] = reply.completion_probabilities;
  return {
    ...reply,
    tokens: [change.id ?? reply.tokens[0]!, ...reply.tokens.slice(1)],
    completion_probabilities: [{ ...first!, ...change }, ...others],
  };
}

const VLLM: readonly (readonly [string, (reply: VllmReply) => unknown, RegExp])[] = [
  ['fewer choices than asked', () => ({ choices: [] }), /choices: 0 came back, 1 was asked for/],
  [
    'more choices than asked',
    ({ choices }) => ({ choices: [...choices, ...choices] }),
    /choices: 2 came back/,
  ],
  [
    'no ids',
    ({ choices: [choice] }) => ({ choices: [{ ...choice, token_ids: undefined }] }),
    /token_ids: no ids came back/,
  ],
  [
    'no log-probabilities',
    ({ choices: [choice] }) => ({ choices: [{ ...choice, logprobs: null }] }),
    /no log-probabilities came back/,
  ],
  [
    'ids and log-probabilities of different lengths',
    ({ choices: [choice] }) => ({ choices: [{ ...choice, token_ids: choice!.token_ids!.slice(1) }] }),
    /token_logprobs: 4 for 3 token_ids/,
  ],
  [
    'a log-probability that is null',
    ({ choices: [choice] }) => ({
      choices: [{ ...choice, logprobs: { ...choice!.logprobs, token_logprobs: [null, -1, -1, -1] } }],
    }),
    /token 0: the log-probability is NaN/,
  ],
];

describe('an answer that cannot be used is refused with server, request and reason', () => {
  it.each([
    ...LLAMA.map(([name, spoil, message]) => ['llama.cpp', name, spoil, message] as const),
    ...VLLM.map(([name, spoil, message]) => ['vllm', name, spoil, message] as const),
  ])('%s: %s', async (kind, _name, spoil, message) => {
    const server = await fakeServer(kind, { spoil: spoil as never });
    const policy = await connect(server.url, { retries: 2 });
    server.spoiled = true;
    const acting = act(policy);
    await expect(acting).rejects.toThrow(ServerError);
    await expect(acting).rejects.toThrow(message);
    await expect(acting).rejects.toThrow(`server ${server.url}, POST /`);
  });
});

describe('a server that fails', () => {
  /** A server whose completions do this once it is connected to. */
  const failing = async (spoil: (reply: never, response: never, body: never) => unknown, options = {}) => {
    let times = 0;
    const server = await fakeServer('llama.cpp', {
      spoil: (reply, response, body) => {
        times++;
        return spoil(reply, response as never, body as never);
      },
    });
    const policy = await connect(server.url, options);
    server.spoiled = true;
    return { policy, url: server.url, times: () => times };
  };

  it('with HTTP 500 is asked again, and then named', async () => {
    const { policy, url, times } = await failing(
      (_reply, response) => send(response, { error: { message: 'out of memory' } }, 500),
      { retries: 2 },
    );
    await expect(act(policy)).rejects.toThrow(
      `server ${url}, POST /completion: HTTP 500: out of memory (tried 3 times)`,
    );
    expect(times()).toBe(3);
  });

  it.each([500, 503, 429, 408])('once with HTTP %i goes on', async (status) => {
    let left = 2;
    const { policy } = await failing(
      (reply, response) => (left-- > 0 ? void send(response, 'busy', status) : reply),
      { retries: 2 },
    );
    expect((await act(policy))[0]!.tokens.length).toBeGreaterThan(0);
  });

  it.each([400, 401, 404])('with HTTP %i is not asked again: the request is wrong', async (status) => {
    const { policy, times } = await failing(
      (_reply, response) => send(response, { error: { message: 'no such model' } }, status),
      { retries: 3 },
    );
    const acting = act(policy);
    await expect(acting).rejects.toThrow(InputError);
    await expect(acting).rejects.toThrow(`HTTP ${status}: no such model`);
    expect(times()).toBe(1);
  });

  it('by hanging is given up after the time-out', async () => {
    const { policy, times } = await failing(() => undefined, { timeoutMs: 150, retries: 1 });
    await expect(act(policy)).rejects.toThrow(/POST \/completion: no answer within 0.15 s \(tried 2 times\)/);
    expect(times()).toBe(2);
  });

  it('by cutting its reply is asked again, and then named', async () => {
    const { policy } = await failing(
      (_reply, response: import('node:http').ServerResponse) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
        response.write('{"tokens": [1, 2');
        setTimeout(() => response.destroy(), 20);
      },
      { retries: 1 },
    );
    await expect(act(policy)).rejects.toThrow(/POST \/completion: the connection broke .*\(tried 2 times\)/);
  });

  it('by being gone is named', async () => {
    const { url } = await fakeServer('llama.cpp');
    closeServers();
    await expect(connect(url)).rejects.toThrow(/GET \/version: cannot be reached \(ECONNREFUSED\)/);
  });

  it('by being something else is told apart', async () => {
    const url = await serve((_request, response) => send(response, { hello: true }, 404));
    await expect(connect(url)).rejects.toThrow(InputError);
    await expect(connect(url)).rejects.toThrow(/like none of the known kinds: vllm .*llama.cpp .*sglang/);
  });

  it('is not waited for any longer when the work is stopped', async () => {
    const controller = new AbortController();
    const { policy } = await failing(() => undefined, { signal: controller.signal, retries: 3 });
    setTimeout(() => controller.abort(new Error('stopped')), 50);
    const start = performance.now();
    await expect(act(policy)).rejects.toThrow('stopped');
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

it('sends the key, and shows it nowhere', async () => {
  const seen = new Set<unknown>();
  const { url } = await fakeServer('llama.cpp', {
    see: (_path, _body, request) => seen.add(request.headers.authorization),
  });
  const policy = await connect(url, { key: 'secret-key' });
  expect([...seen]).toEqual(['Bearer secret-key']);
  expect(JSON.stringify(policy)).not.toContain('secret-key');
  const refusing = await serve((_request, response) => send(response, { error: 'bad key: secret-key' }, 401));
  const client = createClient({
    url: refusing,
    key: 'secret-key',
    concurrency: 1,
    timeoutMs: 1000,
    retries: 0,
  });
  const asking = client.post({ path: '/completion', body: {} }, (reply) => reply);
  const { message } = await asking.then(
    () => new Error('no error'),
    (error: unknown) => error as Error,
  );
  expect(message).toMatch(/HTTP 401: bad key: \*\*\*; valid: a key that the server takes/);
  expect(message).not.toContain('secret-key');
});

it('keeps to its limit of requests at the same time', async () => {
  let now = 0;
  let most = 0;
  const url = await serve((_request, response) => {
    most = Math.max(most, ++now);
    setTimeout(() => {
      now--;
      send(response, {});
    }, 20);
  });
  const client = createClient({ url, concurrency: 3, timeoutMs: 5000, retries: 0 });
  await Promise.all(Array.from({ length: 12 }, () => client.post({ path: '/', body: {} }, (reply) => reply)));
  expect(most).toBe(3);
});
