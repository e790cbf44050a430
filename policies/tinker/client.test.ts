import { afterEach, describe, expect, it } from 'vitest';
import { InputError, MachineError } from '../../core/errors.ts';
import { type Datum, openSession, type ServedModel, type TinkerClient } from './client.ts';
import { type FakeOptions, type FakeServer, type Fault, startFake } from './fake-server.test-helper.ts';

const KEY = 'tml-a-secret';
const CONNECTION = {
  key: KEY,
  requestSeconds: 5,
  resultSeconds: 5,
  retries: 2,
  backoffSeconds: 0.01,
  signal: new AbortController().signal,
};
let server: FakeServer | undefined;
let client: TinkerClient | undefined;

afterEach(async () => {
  client?.dispose();
  await server?.close();
});

/** A session with a fake server of 5 ids. */
async function connect(options: Partial<FakeOptions> = {}, more: object = {}): Promise<TinkerClient> {
  server = await startFake({ vocabularySize: 5, ...options });
  client = await openSession({ ...CONNECTION, server: server.url, ...more });
  return client;
}

const model = (from: TinkerClient): Promise<ServedModel> =>
  from.createModel({ baseModel: 'table', rank: 8, seed: 0 });

const DATUM: Datum = {
  tokens: [0, 1, 2],
  targets: [1, 2, 3],
  weights: [0, 1, 1],
  advantages: [0, 1, -0.5],
  logProbs: [0, -Math.log(5), -Math.log(5)],
};
const ADAM = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

describe('the client of the Tinker API', () => {
  it('trains, saves, loads and samples, with the key and a key of idempotency on every request', async () => {
    const tinker = await connect();
    expect(await tinker.models()).toEqual(['table']);
    const one = await model(tinker);
    expect(await one.info()).toEqual({ name: 'table', rank: 8 });
    const [before] = await one.forward([DATUM]);
    expect(before!.map((value) => Math.round(1e6 * value))).toEqual(
      [1, 1, 1].map(() => Math.round(1e6 * -Math.log(5))),
    );
    const start = await one.save('start');
    await one.forwardBackward([DATUM]);
    expect(await one.step(ADAM)).toHaveProperty(['skyrl.ai/grad_norm']);
    const [after] = await one.forward([DATUM]);
    expect(after![1]).toBeGreaterThan(before![1]!);
    expect(after![2]).toBeLessThan(before![2]!);

    const path = await one.saveForSampler('first');
    const request = { path, prompt: [1], maxTokens: 4, seed: 3, temperature: 1 };
    const sequence = await tinker.sample(request);
    expect(sequence.tokens).toHaveLength(4);
    expect(await tinker.sample(request)).toEqual(sequence);

    const two = await model(tinker);
    await two.load(start);
    expect(await two.forward([DATUM])).toEqual([before]);
    await two.unload();
    expect(server!.tables().size).toBe(1);

    const keys = server!.seen.map(({ headers }) => headers['x-idempotency-key']);
    expect(new Set(keys).size).toBe(keys.length);
    expect(server!.seen.every(({ headers }) => headers['x-api-key'] === KEY)).toBe(true);
  });

  it('counts the requests of a model, so that a server can keep their order', async () => {
    const one = await model(await connect());
    await one.forward([DATUM]);
    await one.forwardBackward([DATUM]);
    await one.step(ADAM);
    expect(server!.seen.flatMap(({ body }) => body.seq_id ?? [])).toEqual([1, 2, 3]);
  });
});

/** A fault on the first so many requests of a call. */
const on =
  (call: string, fault: Fault, times = 100): NonNullable<FakeOptions['fault']> =>
  (name, count) =>
    name === call && count < times ? fault : undefined;

const sample = async (tinker: TinkerClient): Promise<unknown> => {
  const path = await (await model(tinker)).saveForSampler('first');
  return tinker.sample({ path, prompt: [1], maxTokens: 4, seed: 3, temperature: 1 });
};
const forward = async (tinker: TinkerClient): Promise<unknown> => (await model(tinker)).forward([DATUM]);

/** Changes the result of every future that has a field. */
// biome-ignore lint/suspicious/noExplicitAny: results of every kind
const changed = (field: string, change: (given: any) => unknown): Fault => ({
  change: (given: Record<string, unknown>) => (field in given ? change(given) : given),
});
const sequence = (edit: object): Fault =>
  changed('sequences', ({ sequences: [one] }) => ({ sequences: [{ ...one, ...edit }] }));

describe('errors of a server', () => {
  it.each<[string, Fault, (tinker: TinkerClient) => Promise<unknown>, string, RegExp, unknown]>([
    [
      'HTTP 500',
      { status: 500 },
      forward,
      'forward',
      /forward of model_1: HTTP 500: made to fail/,
      MachineError,
    ],
    [
      'wrong JSON',
      { text: '{"request_id": ' },
      forward,
      'forward',
      /forward of model_1: the answer is not JSON/,
      MachineError,
    ],
    ['no request_id', { json: {} }, forward, 'forward', /the answer's request_id is wrong/, Error],
    ['a cut reply', 'cut', forward, 'forward', /forward of model_1: the connection broke/, MachineError],
    [
      'a future that failed',
      { json: { error: 'out of memory', category: 'server' } },
      forward,
      'retrieve_future',
      /says that it failed: out of memory/,
      MachineError,
    ],
    [
      'a future at fault',
      { json: { error: 'bad rank', category: 'user' } },
      forward,
      'retrieve_future',
      /create_model of 'table' with LoRA rank 8: the server says that it failed: bad rank/,
      InputError,
    ],
    [
      'a model that is refused',
      { status: 400, body: { detail: 'LoRA rank 64 must be between 1 and 32' } },
      forward,
      'retrieve_future',
      /LoRA rank 64 must be.*check policy.options.baseModel and loraRank/,
      InputError,
    ],
    [
      'an unknown future',
      { status: 404, body: { detail: 'Future not found' } },
      forward,
      'retrieve_future',
      /HTTP 404: Future not found/,
      MachineError,
    ],
    ['a wrong key', { status: 401 }, forward, 'create_model', /refuses the key \(HTTP 401\)/, InputError],
    [
      'log-probabilities above 0',
      changed('loss_fn_outputs', () => ({ loss_fn_outputs: [{ logprobs: { data: [0.5, -1, -1] } }] })),
      forward,
      'retrieve_future',
      /loss_fn_outputs.0.logprobs.data.0 is wrong: a log-probability is above 0/,
      Error,
    ],
    [
      'log-probabilities that are NaN',
      changed('loss_fn_outputs', () => ({ loss_fn_outputs: [{ logprobs: { data: [Number.NaN, -1, -1] } }] })),
      forward,
      'retrieve_future',
      /logprobs.data.0 is wrong/,
      Error,
    ],
    [
      'NaN in the JSON',
      { text: '{"loss_fn_outputs": [NaN]}' },
      forward,
      'retrieve_future',
      /not JSON/,
      Error,
    ],
    [
      'too few log-probabilities',
      changed('loss_fn_outputs', () => ({ loss_fn_outputs: [{ logprobs: { data: [-1] } }] })),
      forward,
      'retrieve_future',
      /sequence 0 has 3 targets, and 1 log-probabilities/,
      Error,
    ],
    [
      'too few outputs',
      changed('loss_fn_outputs', () => ({ loss_fn_outputs: [] })),
      forward,
      'retrieve_future',
      /1 sequences were sent, 0 came back/,
      Error,
    ],
    [
      'fewer sequences than asked',
      changed('sequences', () => ({ sequences: [] })),
      sample,
      'retrieve_future',
      /asample from tinker:.*: 1 sequence was asked for, 0 came back/,
      Error,
    ],
    [
      'ids that are none',
      sequence({ tokens: [-1, 0, 0, 0] }),
      sample,
      'retrieve_future',
      /sequences.0.tokens.0 is wrong/,
      Error,
    ],
    [
      'a log-probability above 0 of a sample',
      sequence({ logprobs: [1, -1, -1, -1] }),
      sample,
      'retrieve_future',
      /above 0/,
      Error,
    ],
    [
      'a NaN of a sample',
      sequence({ logprobs: [null, -1, -1, -1] }),
      sample,
      'retrieve_future',
      /logprobs.0 is wrong/,
      Error,
    ],
    [
      'fewer log-probabilities than tokens',
      sequence({ logprobs: [-1] }),
      sample,
      'retrieve_future',
      /4 tokens with 1 log-probabilities/,
      Error,
    ],
    [
      'more tokens than asked',
      sequence({ tokens: [0, 0, 0, 0, 0], logprobs: [-1, -1, -1, -1, -1] }),
      sample,
      'retrieve_future',
      /5 tokens; 1 to 4 were asked for/,
      Error,
    ],
  ])('%s', async (_, fault, work, call, message, kind) => {
    const tinker = await connect({ fault: on(call, fault) });
    const error = await work(tinker).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain(server!.url);
  });

  it('a request that hangs ends', async () => {
    const tinker = await connect({ fault: on('forward', 'hang') }, { requestSeconds: 0.2 });
    await expect(forward(tinker)).rejects.toThrow(/forward of model_1: no answer within 0.2 s/);
  });

  it('a result that never comes ends, whether the server holds the poll or says try again', async () => {
    for (const fault of ['hang', { json: { type: 'try_again', queue_state: 'active' } }] as const) {
      const more = { requestSeconds: 0.1, resultSeconds: 0.3 };
      const tinker = await connect({ fault: on('retrieve_future', fault) }, more);
      await expect(model(tinker)).rejects.toThrow(/no result after 0.3 s/);
      tinker.dispose();
      await server!.close();
    }
  });

  it('a server that is not there', async () => {
    const one = await model(await connect());
    await server!.close();
    await expect(one.step(ADAM)).rejects.toBeInstanceOf(MachineError);
    const opening = openSession({ ...CONNECTION, server: server!.url });
    await expect(opening).rejects.toThrow(/client\/config: cannot be reached \(ECONNREFUSED\)/);
    await expect(opening).rejects.toBeInstanceOf(MachineError);
  });

  it('does not show the key, even if the server says it', async () => {
    const said = { status: 400, body: { detail: `the key ${KEY} is no good` } };
    const tinker = await connect({ fault: on('forward', said) });
    await expect(forward(tinker)).rejects.toThrow(/the key \*\*\* is no good/);
  });

  it('an aborted signal ends what is under way', async () => {
    const stop = new AbortController();
    const tinker = await connect({ fault: on('forward', 'hang') }, { signal: stop.signal });
    const going = forward(tinker);
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(going).rejects.toThrow('enough');
  });
});

describe('further tries', () => {
  it.each<[string, Fault]>([
    ['429', { status: 429 }],
    ['500', { status: 500 }],
    ['a cut reply', 'cut'],
    ['wrong JSON', { text: '<html>' }],
  ])('what changes nothing is asked again after %s, under the same key of idempotency', async (_, fault) => {
    const tinker = await connect({ fault: on('forward', fault, 2) });
    expect(await forward(tinker)).toHaveLength(1);
    const keys = server!.seen
      .filter(({ call }) => call === 'forward')
      .map((one) => one.headers['x-idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  });

  it('polls again after 408, try_again and complete_metadata, then without allow_metadata_only', async () => {
    const faults: (Fault | undefined)[] = [
      undefined, // of create_model
      { status: 408 },
      { json: { type: 'try_again', request_id: '2', queue_state: 'active' } },
      { json: { status: 'complete_metadata', response_payload_size: 3 } },
    ];
    const tinker = await connect({
      fault: (call, count) => (call === 'retrieve_future' ? faults[count] : undefined),
    });
    expect(await forward(tinker)).toHaveLength(1);
    const polls = server!.seen.filter(({ call }) => call === 'retrieve_future');
    expect(polls.at(-2)!.body).toHaveProperty('allow_metadata_only', true);
    expect(polls.at(-1)!.body).not.toHaveProperty('allow_metadata_only');
  });

  it('sends a request again whose promise has gone (410), unless it would count twice', async () => {
    const gone: NonNullable<FakeOptions['fault']> = (call, count) =>
      call === 'retrieve_future' && count === 1 ? { status: 410 } : undefined;
    const tinker = await connect({ fault: gone });
    expect(await forward(tinker)).toHaveLength(1);
    expect(server!.seen.filter(({ call }) => call === 'forward')).toHaveLength(2);
    tinker.dispose();
    await server!.close();

    const one = await model(await connect({ fault: gone }));
    await expect(one.forwardBackward([DATUM])).rejects.toThrow(/has lost the request/);
    expect(server!.seen.filter(({ call }) => call === 'forward_backward')).toHaveLength(1);
  });

  it('a gradient whose reply is lost is not sent again: it would count twice', async () => {
    const one = await model(await connect({ fault: on('forward_backward', 'lost-reply', 1) }));
    await expect(one.forwardBackward([DATUM])).rejects.toBeInstanceOf(MachineError);
    expect(server!.seen.filter(({ call }) => call === 'forward_backward')).toHaveLength(1);
    // What the server has refused for now has not been carried out.
    const other = await model(await connect({ fault: on('optim_step', { status: 429 }, 1) }));
    await other.forwardBackward([DATUM]);
    await other.step(ADAM);
    expect(server!.seen.filter(({ call }) => call === 'optim_step')).toHaveLength(2);
  });
});
