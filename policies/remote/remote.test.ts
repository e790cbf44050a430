import { afterEach, describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import type { ActRequest, Generation, SampledAction } from '../policy.ts';
import { createClient } from './client.ts';
import { chosenEntropy, entropyBounds } from './entropy.ts';
import { closeServers, codec, connect, END, fakeServer, logProbsAfter, SIZE } from './fake.test-helper.ts';
import { remoteOptionsSchema } from './options.ts';
import { probeServer } from './probe.ts';

afterEach(closeServers);

const KINDS = ['llama.cpp', 'vllm', 'sglang'] as const;

const request = (text: string, seed: number, generation: Partial<Generation> = {}): ActRequest => ({
  prompt: { text, tokens: Int32Array.from(codec.encode(text)) },
  random: createRandom(seed),
  generation: { stops: ['ab', '.'], maxTokens: 20, ...generation },
});

const requests = (count: number, generation?: Partial<Generation>): readonly ActRequest[] =>
  Array.from({ length: count }, (_, seed) => request(['abc', 'abd', 'q'][seed % 3]!, seed, generation));

/** Checks an action against the model that the fake servers have. */
function checkAction(
  { prompt }: ActRequest,
  { text, tokens, logProbs, entropies, cut }: SampledAction,
  [temperature, topP]: readonly [number, number] = [1, 1],
): void {
  for (const [index, id] of tokens.entries()) {
    const exact = logProbsAfter([...prompt.tokens!, ...tokens.slice(0, index)], temperature, topP);
    expect(logProbs[index]).toBeCloseTo(exact[id]!, 5);
    const entropy = exact.reduce((sum, one) => sum - (one < -99 ? 0 : Math.exp(one) * one), 0);
    expect(Math.abs(entropies[index]! - entropy)).toBeLessThan(0.6);
    // Of the five most likely and the token itself.
    const top = [...exact].sort((a, b) => b - a).slice(0, 5);
    const kept = top.filter((one) => one > Number.NEGATIVE_INFINITY);
    const bounds = entropyBounds(kept, SIZE, exact[id]! < top.at(-1)! ? exact[id]! : undefined);
    expect([chosenEntropy(bounds, 'middle'), entropy].map((one) => one.toFixed(3))).toContain(
      entropies[index]!.toFixed(3),
    );
  }
  const ends = tokens.at(-1) === END;
  expect(text).toBe(codec.decode(ends ? tokens.slice(0, -1) : tokens));
  const stopped = ['ab', '.'].some((stop) => text.includes(stop));
  expect(cut).toBe(!ends && !stopped);
  const before = codec.decode(tokens.slice(0, -1));
  expect(['ab', '.'].some((stop) => before.includes(stop))).toBe(false);
}

describe.each(KINDS)('%s', (kind) => {
  it('writes actions with ids, log-probabilities and ends', async () => {
    const policy = await connect((await fakeServer(kind)).url);
    const asked = requests(60);
    const actions = await policy.act(asked, { temperature: 1 });
    for (const [index, action] of actions.entries()) checkAction(asked[index]!, action);
    // Of every way to end: a stop, the end token, the limit.
    expect(actions.some(({ cut }) => cut)).toBe(true);
    expect(actions.some(({ tokens }) => tokens.at(-1) === END)).toBe(true);
    expect(actions.some(({ text }) => text.endsWith('.') && !text.endsWith('ab.'))).toBe(true);
    expect(actions.some(({ text }) => text.endsWith('ab.'))).toBe(true);
  });

  it('repeats with the seed, whatever else is asked', async () => {
    const policy = await connect((await fakeServer(kind)).url);
    const all = await policy.act(requests(9), { temperature: 1 });
    const [alone] = await policy.act([requests(9)[4]!], { temperature: 1 });
    expect(alone).toEqual(all[4]);
    expect(all[0]!.tokens).not.toEqual(all[3]!.tokens);
  });

  it('continues a prefix that it is given', async () => {
    const policy = await connect((await fakeServer(kind)).url);
    const prefix = { tokens: [2, 3], logProbs: [-1, -2], entropies: [0.5, 0.25] };
    const asked = request('abc', 1, { prefix, maxTokens: 5 });
    const [action] = await policy.act([asked], { temperature: 1 });
    expect(action!.tokens.slice(0, 2)).toEqual([2, 3]);
    expect(action!.logProbs.slice(0, 2)).toEqual([-1, -2]);
    expect(action!.tokens.length).toBeGreaterThan(2);
    const third = logProbsAfter([...asked.prompt.tokens!, 2, 3])[action!.tokens[2]!]!;
    expect(action!.logProbs[2]).toBeCloseTo(third, 5);
    const stopped = { tokens: codec.encode('c.'), logProbs: [-1, -1], entropies: [0, 0] };
    const [whole] = await policy.act([request('abc', 1, { prefix: stopped })], { temperature: 1 });
    expect(whole).toEqual({ text: 'c.', ...stopped, cut: false });
  });

  it('takes the most likely token if greedy', async () => {
    const policy = await connect((await fakeServer(kind)).url);
    const asked = request('abc', 1);
    const [action] = await policy.act([asked], { temperature: 1, greedy: true });
    checkAction(asked, action!);
    for (const [index, id] of action!.tokens.entries()) {
      const exact = logProbsAfter([...asked.prompt.tokens!, ...action!.tokens.slice(0, index)]);
      expect(id).toBe(exact.indexOf(Math.max(...exact)));
    }
  });

  it('gives log-probabilities of the sampling distribution, or refuses to sample', async () => {
    const raw = await connect((await fakeServer(kind)).url);
    const asked = requests(12);
    const sampling = { temperature: 0.7, topP: 0.8 };
    if (kind === 'llama.cpp') {
      const actions = await raw.act(asked, sampling);
      for (const [index, action] of actions.entries()) checkAction(asked[index]!, action, [0.7, 0.8]);
      return;
    }
    await expect(raw.act(asked, sampling)).rejects.toThrow(
      /of the softmax before temperature and nucleus.*temperature 0.7 and topP 0.8; valid: temperature 1 and topP 1/,
    );
    const processed = await connect((await fakeServer(kind, { processed: true })).url);
    const actions = await processed.act(asked, sampling);
    for (const [index, action] of actions.entries()) checkAction(asked[index]!, action, [0.7, 0.8]);
    await expect(processed.act(asked, { temperature: 1, greedy: true })).rejects.toThrow(/greedy decoding/);
  });

  it('scores given tokens, or says that it cannot', async () => {
    const policy = await connect((await fakeServer(kind)).url);
    const records = [
      { prompt: request('abc', 0).prompt, tokens: [4, 5, 6] },
      { prompt: request('q', 0).prompt, tokens: [7] },
    ];
    const scoring = policy.logProbs(records, { temperature: 1 });
    if (kind === 'llama.cpp') {
      await expect(scoring).rejects.toThrow(InputError);
      await expect(scoring).rejects.toThrow(
        /llama.cpp gives no log-probabilities of tokens that it is given/,
      );
      return;
    }
    for (const [index, scores] of (await scoring).entries()) {
      const { prompt, tokens } = records[index]!;
      const exact = tokens.map((id, t) => logProbsAfter([...prompt.tokens!, ...tokens.slice(0, t)])[id]!);
      expect([...scores]).toEqual(exact.map((value) => expect.closeTo(value, 5)));
    }
    await expect(policy.logProbs(records, { temperature: 0.5 })).rejects.toThrow(/temperature 0.5/);
  });

  it('is probed', async () => {
    const { url } = await fakeServer(kind);
    const client = createClient({ url, concurrency: 1, timeoutMs: 5000, retries: 0 });
    const { report } = await probeServer(client, { topLogProbs: 5, ids: [0, 1], vocabulary: SIZE });
    expect(report).toMatchObject({
      kind,
      context: 512,
      deterministic: true,
      temperature: kind === 'llama.cpp' ? 'sampling' : 'softmax',
      nucleus: kind === 'llama.cpp' ? 'sampling' : 'softmax',
      scores: kind !== 'llama.cpp',
    });
    if (kind !== 'llama.cpp') expect(report.scoreDistance).toBeLessThan(1e-5);
  });

  it('refuses contexts that do not fit before it asks', async () => {
    const policy = await connect((await fakeServer(kind)).url);
    const asked = { ...request('a', 0), prompt: { text: '', tokens: new Int32Array(500) } };
    await expect(policy.act([asked], { temperature: 1 })).rejects.toThrow(
      /prompt of 500 tokens and an action of up to 20 do not fit into the server's context of 512/,
    );
  });
});

it('vLLM and SGLang with processed log-probabilities are found out', async () => {
  for (const kind of ['vllm', 'sglang'] as const) {
    const { url } = await fakeServer(kind, { processed: true });
    const client = createClient({ url, concurrency: 1, timeoutMs: 5000, retries: 0 });
    const { report } = await probeServer(client, { topLogProbs: 5, ids: [0, 1], vocabulary: SIZE });
    expect([report.temperature, report.nucleus]).toEqual(['sampling', 'sampling']);
  }
});

it('a server whose seeds do not repeat is recorded as such', async () => {
  let times = 0;
  const server = await fakeServer('vllm', {
    spoil: (reply: { choices: { token_ids: number[] }[] }) => reply,
  });
  const { url } = await fakeServer('vllm', {
    see: (_path, body) => Object.assign(body, { seed: times++ }),
  });
  expect((await connect(url)).notes!.at(-1)).toMatch(/other tokens/);
  expect((await connect(server.url)).notes!.at(-1)).toMatch(/gave the same tokens/);
});

it('llama.cpp: a token that ends inside of a character is scored from the whole distribution', async () => {
  let gone = 0;
  const server = await fakeServer('llama.cpp', {
    spoil: (reply: { tokens: number[]; completion_probabilities: { id: number }[] }, _response, body) => {
      // As the server does with a part of a character: it leaves the token out. Not of the request for all.
      if ((body.n_probs as number) === SIZE) return reply;
      const index = reply.tokens.findIndex((id, at) => at % 3 === 1 && id % 2 === 0);
      if (index !== -1) gone++;
      return {
        ...reply,
        completion_probabilities: reply.completion_probabilities.filter((_, at) => at !== index),
      };
    },
  });
  const policy = await connect(server.url);
  server.spoiled = true;
  for (const [temperature, topP] of [
    [1, 1],
    [0.7, 0.8],
  ] as const) {
    const asked = requests(12);
    const actions = await policy.act(asked, { temperature, topP });
    for (const [index, action] of actions.entries()) checkAction(asked[index]!, action, [temperature, topP]);
  }
  expect(gone).toBeGreaterThan(5);
});

it('requests go out grouped by what their contexts begin with', async () => {
  const seen: string[] = [];
  const server = await fakeServer('vllm', {
    see: (path, body) => {
      if (path === '/v1/completions') seen.push(codec.decode(body.prompt));
    },
  });
  const policy = await connect(server.url, { concurrency: 1 });
  seen.length = 0;
  const texts = ['abcdq', 'qrst', 'abcdr', 'qrst', 'abcdq'];
  await policy.act(
    texts.map((text, seed) => request(text, seed)),
    { temperature: 1 },
  );
  expect(seen).toEqual(['abcdq', 'abcdq', 'abcdr', 'qrst', 'qrst']);
});

describe('options', () => {
  const parse = (options: object) =>
    remoteOptionsSchema.safeParse({ server: 'http://127.0.0.1:8080', tokenizer: 'm', ...options });

  it('takes an address with or without /v1', () => {
    expect(
      ['http://a:1', 'http://a:1/', 'http://a:1/v1', 'http://a:1/v1/'].map(
        (server) => parse({ server }).data!.server,
      ),
    ).toEqual(new Array(4).fill('http://a:1'));
  });

  it('refuses secrets in what is stored, and unknown options', () => {
    for (const server of ['http://me:secret@a:1', 'http://a:1/?key=secret', 'ftp://a', 'a']) {
      const { error } = parse({ server });
      expect(error).toBeDefined();
      expect(error!.message).not.toContain('secret');
    }
    expect(parse({ key: 'x' }).success).toBe(false);
    expect(parse({ entropy: 'exact' }).success).toBe(false);
  });
});
