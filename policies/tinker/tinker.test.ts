import { afterEach, describe, expect, it } from 'vitest';
import { InputError, MachineError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import type { ActionRecord, ActRequest, LossGradient, ServedPolicy } from '../policy.ts';
import { type FakeOptions, type FakeServer, startFake } from './fake-server.test-helper.ts';
import { createTinkerPolicy, scaled, type TinkerOptions } from './index.ts';
import { expectedRatio, PROBE_IDS, probes, type Scaling } from './scaling.ts';
import type { WritingCodec } from './write.ts';

/** One id per piece. The last but one is a stop, the last the model's end. */
const PIECES = [...'abcdef', '</s>', '[end]'];
const SIZE = PIECES.length;
const [STOP, END] = [SIZE - 2, SIZE - 1] as const;
const codec: WritingCodec = {
  encode: (text) => [...text].map((letter) => Math.max(0, PIECES.indexOf(letter))),
  decode: (ids) => Array.from(ids, (id) => PIECES[id] ?? '\ufffd').join(''),
  idOf: (token) => (PIECES.includes(token) ? PIECES.indexOf(token) : undefined),
};

let server: FakeServer | undefined;
let policy: ServedPolicy | undefined;

afterEach(async () => {
  await policy?.close();
  await server?.close();
  [policy, server] = [undefined, undefined];
});

async function connect(
  fake: Partial<FakeOptions> = {},
  options: Partial<TinkerOptions> = {},
): Promise<ServedPolicy> {
  server ??= await startFake({
    vocabularySize: SIZE,
    start: (previous, next) => Math.sin(7 * previous + 3 * next),
    ...fake,
  });
  policy = await createTinkerPolicy({
    server: server.url,
    codec,
    vocabularySize: SIZE,
    endIds: [END],
    loraRank: 8,
    batch: 4,
    concurrency: 3,
    requestSeconds: 5,
    resultSeconds: 5,
    retries: 1,
    backoffSeconds: 0.01,
    random: createRandom(0),
    ...options,
  });
  return policy;
}

const prompt = (ids: readonly number[]) => ({ text: '', tokens: Int32Array.from(ids) });
const record = (ids: readonly number[], tokens: readonly number[]): ActionRecord => ({
  prompt: prompt(ids),
  tokens,
});
const request = (ids: readonly number[], seed: number, maxTokens = 12): ActRequest => ({
  prompt: prompt(ids),
  random: createRandom(seed),
  generation: { stops: ['</s>'], maxTokens },
});
const T1 = { temperature: 1 };

/** Of several lengths and trained shares; the second goes on from the first, the last shares its context. */
const RECORDS = [
  record([0, 1], [2, 3]),
  record([0, 1, 2, 3, 4], [5, 0, 1]),
  record([2], [2]),
  record([3, 3, 1], [4, 5, 5, 4]),
  record([3, 3, 1], [0]),
  record([5, 5], [1, 2]),
];
/** Any gradient, of mixed signs. */
const LOSS: LossGradient = (logProbs) =>
  logProbs.map((row, record) => row.map((_, token) => Math.sin(1 + 2 * record + 5 * token)));

/** The gradient of the loss with respect to the fake's table, in closed form. */
async function exactGradient(learner: ServedPolicy): Promise<Float64Array> {
  const table = [...server!.tables().values()].at(-1)!;
  const gradient = new Float64Array(SIZE * SIZE);
  const partials = LOSS(await learner.logProbs(RECORDS, T1));
  for (const [index, { prompt: read, tokens }] of RECORDS.entries()) {
    const ids = [...read.tokens!, ...tokens];
    for (const [at, target] of tokens.entries()) {
      const previous = ids[read.tokens!.length + at - 1]!;
      const row = table.subarray(previous * SIZE, (previous + 1) * SIZE);
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
      for (let next = 0; next < SIZE; next++) {
        const probability = Math.exp(row[next]!) / total;
        gradient[previous * SIZE + next]! +=
          partials[index]![at]! * ((next === target ? 1 : 0) - probability);
      }
    }
  }
  return gradient;
}

const norm = (values: Float64Array): number => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0));
/** Far above the gradient: the step is minus the gradient. */
const ALONG_GRADIENT = { learningRate: 1e9, epsilon: 1e9, maxGradientNorm: 1e9 };

const SCALINGS: readonly Scaling[] = [
  'sum',
  'sequence-mean-sum',
  'sequence-mean',
  'datum-mean',
  'token-mean',
];

describe('how a server scales', () => {
  it.each(SCALINGS.flatMap((scaling) => [true, false].map((tellsNorm) => ({ scaling, tellsNorm }))))(
    '$scaling is found out (norms told: $tellsNorm), and the step is along the gradient of the loss itself',
    async ({ scaling, tellsNorm }) => {
      const learner = await connect({ scaling, tellsNorm });
      expect(learner.notices[0]).toContain(`it scales losses as ${scaling} (`);
      const gradient = await exactGradient(learner);
      const before = [...server!.tables().values()].at(-1)!.slice();
      const told = await learner.step(RECORDS, LOSS, T1, ALONG_GRADIENT);
      const after = [...server!.tables().values()].at(-1)!;
      const applied = before.map((value, at) => value - after[at]!);
      expect(norm(applied.map((value, at) => value - gradient[at]!))).toBeLessThan(1e-6 * norm(gradient));
      if (tellsNorm) expect(told).toBeCloseTo(norm(gradient), 9);
      else expect(told).toBeNull();
      // The model of the probe is gone.
      expect(server!.tables().size).toBe(1);
    },
  );

  it('one that is not known is refused with what was measured', async () => {
    const connecting = connect({ scaling: 'root' });
    await expect(connecting).rejects.toThrow(InputError);
    await expect(connecting).rejects.toThrow(
      /how it scales gradients is not known: .* gave 1\.0000 times .*, by gradient norms .*2\.000 \(sum\), 1\.200/,
    );
    expect(server!.tables().size).toBe(0);
  });

  it('no two of them are nearer than 10 %', () => {
    const { first, second } = probes([0, 1, 2, 3, 4, 5]);
    expect(first[0]!.tokens).toHaveLength(PROBE_IDS - 1);
    const ratios = SCALINGS.map((each) => expectedRatio(each, first, second)).sort((a, b) => a - b);
    for (const [at, ratio] of ratios.slice(1).entries()) expect(ratio / ratios[at]!).toBeGreaterThan(1.1);
  });

  it('is undone over the whole step, whatever requests it is divided into', () => {
    const datum = (length: number, trained: number) => ({
      tokens: new Array<number>(length).fill(0),
      targets: new Array<number>(length).fill(0),
      weights: Array.from({ length }, (_, at) => (at < trained ? 1 : 0)),
      advantages: Array.from({ length }, (_, at) => (at < trained ? 1 : 0)),
      logProbs: new Array<number>(length).fill(0),
    });
    const parts = scaled([datum(3, 1), datum(9, 4), datum(5, 2)], 'sequence-mean', 2, true);
    expect(parts.map((part) => part.map(({ advantages }) => advantages[0]))).toEqual([[12, 6], [3]]);
    // Filled up to a power of two, and the sequences that fill it up count.
    const one = scaled([datum(3, 1), datum(9, 4), datum(5, 2)], 'sequence-mean', 8, true);
    expect(one.map((part) => part.map(({ advantages }) => advantages[0]))).toEqual([[16, 8, 4, 0]]);
    expect(scaled([datum(3, 1), datum(9, 4)], 'sum', 8, false)[0]!.map((d) => d.advantages[0])).toEqual([
      1, 1,
    ]);
  });
});

describe('acting', () => {
  it('samples from the newest weights, with the log-probabilities that training has, and surprisals for entropies', async () => {
    const learner = await connect();
    const requests = Array.from({ length: 8 }, (_, seed) => request([0, 1], seed));
    const actions = await learner.act(requests, T1);
    expect(new Set(actions.map(({ text }) => text)).size).toBeGreaterThan(3);
    const scored = await learner.logProbs(
      actions.map(({ tokens }) => record([0, 1], tokens)),
      T1,
    );
    for (const [at, { tokens, logProbs, entropies }] of actions.entries()) {
      expect(logProbs).toHaveLength(tokens.length);
      for (const [t, value] of logProbs.entries()) expect(scored[at]![t]).toBeCloseTo(value, 9);
      expect(entropies).toEqual(logProbs.map((value) => -value));
    }
    // The same weights are saved for the sampler once; after a step they are others.
    await learner.act(requests, T1);
    const saves = () => server!.seen.filter(({ call }) => call === 'save_weights_for_sampler').length;
    expect(saves()).toBe(1);
    await learner.step(RECORDS, LOSS, T1, { learningRate: 0.5, epsilon: 1e-8, maxGradientNorm: 1 });
    const [again] = await learner.act(requests, T1);
    expect(saves()).toBe(2);
    const [[value]] = (await learner.logProbs([record([0, 1], again!.tokens)], T1)) as [Float64Array];
    expect(value).toBeCloseTo(again!.logProbs[0]!, 9);
  });

  it('ends at the first stop in its text and at the end id, whose text is left out; otherwise it is cut', async () => {
    const learner = await connect();
    const actions = await learner.act(
      Array.from({ length: 40 }, (_, seed) => request([0, 1], seed, 6)),
      T1,
    );
    const kinds = { stop: 0, end: 0, cut: 0 };
    for (const { text, tokens, cut } of actions) {
      const last = tokens.at(-1);
      expect(tokens.slice(0, -1).some((id) => id === STOP || id === END)).toBe(false);
      expect(text).not.toContain('[end]');
      if (last === STOP) expect([text.endsWith('</s>'), cut]).toEqual([true, false]);
      else expect(cut).toBe(last !== END);
      kinds[last === STOP ? 'stop' : last === END ? 'end' : 'cut']++;
    }
    for (const count of Object.values(kinds)) expect(count).toBeGreaterThan(0);
  });

  it('goes on from a prefix, and draws nothing behind a stop in it', async () => {
    const learner = await connect();
    const prefix = { tokens: [3, 4], logProbs: [-1, -2], entropies: [1, 2] };
    const generation = { stops: ['</s>'], maxTokens: 5, prefix };
    const [action] = await learner.act([{ ...request([0], 1), generation }], T1);
    expect(action!.tokens.slice(0, 2)).toEqual([3, 4]);
    expect(action!.logProbs.slice(0, 2)).toEqual([-1, -2]);
    const asked = server!.seen.filter(({ call }) => call === 'asample').at(-1)!.body as never as {
      prompt: { chunks: [{ tokens: number[] }] };
      sampling_params: { max_tokens: number };
    };
    expect(asked.prompt.chunks[0].tokens).toEqual([0, 3, 4]);
    expect(asked.sampling_params.max_tokens).toBe(3);
    const whole = { ...generation, prefix: { tokens: [STOP], logProbs: [-1], entropies: [1] } };
    expect((await learner.act([{ ...request([0], 1), generation: whole }], T1))[0]!.tokens).toEqual([STOP]);
  });

  it('refuses what log-probabilities are not given for, ids that are none, and a server that leaves out its stop', async () => {
    const learner = await connect();
    await expect(learner.act([request([0], 0)], { temperature: 0.7 })).rejects.toThrow(
      /training.temperature is 0.7, and policy tinker trains at 1 only/,
    );
    await expect(learner.logProbs(RECORDS, { temperature: 1, topP: 0.9 })).rejects.toThrow(
      /training.topP is 0.9/,
    );
    const [greedy] = await learner.act([request([0], 0)], { temperature: 1, greedy: true });
    expect(greedy!.tokens.length).toBeGreaterThan(0);
    await learner.close();
    await server!.close();
    server = undefined;
    const change = (edit: (one: { tokens: number[]; logprobs: number[] }) => object) => ({
      fault: (call: string) =>
        call === 'retrieve_future'
          ? {
              // biome-ignore lint/suspicious/noExplicitAny: results of every kind
              change: (given: Record<string, any>) =>
                'sequences' in given
                  ? { sequences: [{ ...given.sequences[0], ...edit(given.sequences[0]) }] }
                  : given,
            }
          : undefined,
    });
    const wrong = await connect(change(({ tokens }) => ({ tokens: tokens.map(() => SIZE) })) as never);
    await expect(wrong.act([request([0], 0)], T1)).rejects.toThrow(
      /asample: token 0 is 8, not an id from 0 to 7/,
    );
    await wrong.close();
    await server!.close();
    server = undefined;
    const short = await connect(change(() => ({ tokens: [0], logprobs: [-1] })) as never);
    await expect(short.act([request([0], 0)], T1)).rejects.toThrow(
      /it stopped after 1 of 12 tokens, and they end with neither a stop \(<\/s>\) nor an end id \(7\)/,
    );
  });
});

describe('weights that the server keeps', () => {
  const STEP = { learningRate: 0.1, epsilon: 1e-8, maxGradientNorm: 1 };
  const step = (learner: ServedPolicy) => learner.step(RECORDS, LOSS, T1, STEP);

  it('come back with the moments, in the same session and in another', async () => {
    const learner = await connect();
    await step(learner);
    const first = await learner.save();
    expect(first).toMatch(/^tinker:/);
    expect(await learner.save()).toBe(first);
    const at = await learner.logProbs(RECORDS, T1);
    await step(learner);
    const second = await learner.logProbs(RECORDS, T1);
    await learner.load(first);
    expect(await learner.logProbs(RECORDS, T1)).toEqual(at);
    await step(learner);
    expect(await learner.logProbs(RECORDS, T1)).toEqual(second);
    await learner.close();
    const other = await connect();
    await other.load(first);
    await step(other);
    expect(await other.logProbs(RECORDS, T1)).toEqual(second);
  });

  it('are measured under without moving the own ones', async () => {
    const learner = await connect();
    const start = await learner.logProbs(RECORDS, T1);
    await step(learner);
    const path = await learner.save();
    const then = await learner.logProbs(RECORDS, T1);
    await step(learner);
    const now = await learner.logProbs(RECORDS, T1);
    expect(await learner.logProbsUnder(learner.start, RECORDS, T1)).toEqual(start);
    expect(await learner.logProbsUnder(path, RECORDS, T1)).toEqual(then);
    expect(await learner.logProbs(RECORDS, T1)).toEqual(now);
    await learner.load(learner.start);
    expect(await learner.logProbs(RECORDS, T1)).toEqual(start);
    await learner.close();
    expect(server!.tables().size).toBe(0);
  });

  it('a step that broke in the middle leaves nothing to the next', async () => {
    let broken = false;
    const learner = await connect({
      // A mean would hide that the same gradient is there twice.
      scaling: 'sum',
      fault: (call) => (call === 'optim_step' && broken ? { status: 500 } : undefined),
    });
    await step(learner);
    const path = await learner.save();
    await step(learner);
    const expected = await learner.logProbs(RECORDS, T1);
    await learner.load(path);
    broken = true;
    await expect(step(learner)).rejects.toThrow(MachineError);
    broken = false;
    await learner.load(path);
    await step(learner);
    expect(await learner.logProbs(RECORDS, T1)).toEqual(expected);
  });

  it('that are gone are an input error', async () => {
    const learner = await connect();
    await expect(learner.load('tinker://model_9/weights/w1')).rejects.toThrow(InputError);
    await expect(learner.load('tinker://model_9/weights/w1')).rejects.toThrow(
      /has no weights tinker:\/\/model_9\/weights\/w1 any more/,
    );
  });
});

describe('connecting', () => {
  it('takes the only model, and refuses one that is not there or another rank', async () => {
    const learner = await connect();
    const created = server!.seen.filter(({ call }) => call === 'create_model');
    expect(created.every(({ body }) => body.base_model === 'table')).toBe(true);
    // All models of a policy have the same start.
    expect(new Set(created.map(({ body }) => JSON.stringify(body.lora_config))).size).toBe(1);
    await learner.close();
    await expect(connect({}, { baseModel: 'other' })).rejects.toThrow(
      /baseModel: tinker server .* has no model 'other'; valid: table/,
    );
    await expect(connect({}, { loraRank: 4 })).rejects.toThrow(
      /loraRank is 4, and .* has made a model of rank 8/,
    );
    expect(server!.tables().size).toBe(0);
  });
});
