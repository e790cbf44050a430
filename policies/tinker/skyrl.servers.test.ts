import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configured } from '../../algorithms/configured.ts';
import { ALGORITHMS, findAlgorithm } from '../../algorithms/registry.ts';
import type { Cell, CellContext } from '../../bench/cell.ts';
import { trainingSchema, warmStartSchema } from '../../bench/training/options.ts';
import { runCell } from '../../bench/training/train.ts';
import { CATALOG } from '../../catalog.ts';
import { MachineError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { findEnvironment } from '../../envs/registry.ts';
import type { ActionRecord, LossGradient, ServedPolicy, TrainablePolicy } from '../policy.ts';
import { readSafetensors } from '../safetensors.ts';
import { missing } from '../servers.test-helper.ts';
import { textTransformerSpec } from '../text-transformer/spec.ts';
import { openingCodec, readTokenizerFolder } from '../tokenizer/folder.ts';
import { createTinkerPolicy } from './index.ts';
import type { Scaling } from './scaling.ts';
import { type SkyRl, startSkyRl } from './skyrl.test-helper.ts';
import { tinkerSpec } from './spec.ts';

const RANK = 8;
/** SkyRL's: what a LoRA adapter adds is this over the rank, times B A. */
const ALPHA = 32;
const T1 = { temperature: 1 };

let folder = '';
let model = '';
let skyRl: SkyRl;
let local: TrainablePolicy;
/** The local policy's options and tokenizer, to publish numbers of its shape. */
let published: (parameters: ArrayLike<number>) => Promise<ReadonlyMap<string, Uint8Array | string>>;

/** A small text transformer of our own, exported; and SkyRL's server on it. */
async function start(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'skyrl-'));
  model = join(folder, 'model');
  const options = textTransformerSpec.schema.parse({
    modelSize: 32,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headSize: 8,
    ffnSize: 48,
    vocabularySize: 400,
  });
  const texts = ['Which country borders Peru? <answer> Brazil </answer>', 'the capital of France is Paris'];
  const assets = await textTransformerSpec.assets(texts, options);
  local = await textTransformerSpec.create({ options, assets, backend: 'wasm', random: createRandom(5) });
  published = async (parameters) => {
    const files = await textTransformerSpec.publish!({ options, assets, parameters, positions: 512 });
    return new Map(files.map(({ name, content }) => [name, content]));
  };
  await mkdir(model);
  for (const [name, content] of await published(local.parameters())) {
    await writeFile(join(model, name), content);
  }
  skyRl = await startSkyRl(model, folder);
}

const options = () =>
  tinkerSpec.schema.parse({ server: skyRl.url, tokenizer: model, loraRank: RANK, batch: 8, retries: 3 });

/** A policy; `scaling` is believed where it is given. */
async function connect(scaling?: Scaling): Promise<ServedPolicy> {
  const random = createRandom(0);
  if (scaling === undefined) {
    return tinkerSpec.create({ options: options(), assets: null, backend: 'wasm', random });
  }
  const read = await readTokenizerFolder(model);
  const {
    timeoutSeconds,
    chat: _,
    tokenizer: __,
    entropy: ___,
    baseModel: ____,
    keyVariable: _____,
    ...rest
  } = options();
  const codec = openingCodec(read, model);
  const ids = { vocabularySize: read.codec.size, endIds: read.endIds };
  return createTinkerPolicy({ ...rest, requestSeconds: timeoutSeconds, codec, ...ids, random, scaling });
}

/** Contexts and actions of several lengths, all within 32 tokens. */
function someRecords(): readonly ActionRecord[] {
  const random = createRandom(9);
  const size = 260;
  const ids = (length: number) => Array.from({ length }, () => 9 + random.integer(size));
  const first = { prompt: { text: '', tokens: Int32Array.from(ids(6)) }, tokens: ids(5) };
  const longer = Int32Array.from([...first.prompt.tokens, ...first.tokens, ...ids(3)]);
  return [
    first,
    { prompt: { text: '', tokens: longer }, tokens: ids(4) },
    { prompt: { text: '', tokens: Int32Array.from(ids(4)) }, tokens: ids(9) },
    { prompt: { text: '', tokens: Int32Array.from(ids(2)) }, tokens: ids(1) },
  ];
}

/** Any gradient of mixed signs, of about the size that a mean over tokens has. */
const partial = (record: number, token: number): number => 0.2 * Math.sin(1 + 2 * record + 5 * token);
const LOSS: LossGradient = (logProbs) =>
  logProbs.map((row, record) => row.map((_, token) => partial(record, token)));
/** Far above any gradient: Adam's step is then `RATE` times the gradient. */
const alongGradient = (rate: number) => ({ learningRate: 1e9 * rate, epsilon: 1e9, maxGradientNorm: 1e9 });

/** How much less the loss is after a step along the gradient, and how much less the norm that was told promises. */
async function descent(policy: ServedPolicy): Promise<{ readonly found: number; readonly promised: number }> {
  const records = someRecords();
  const before = await policy.logProbs(records, T1);
  const rate = 2e-4;
  const norm = (await policy.step(records, LOSS, T1, alongGradient(rate)))!;
  const after = await policy.logProbs(records, T1);
  let found = 0;
  for (const [record, row] of after.entries()) {
    for (const [token, value] of row.entries()) {
      found -= partial(record, token) * (value - before[record]![token]!);
    }
  }
  return { found, promised: rate * norm ** 2 };
}

const reason = missing('skyrl/ready');

describe.skipIf(reason !== undefined)(`SkyRL's server (${reason ?? 'installed'})`, () => {
  beforeAll(start, 600_000);
  afterAll(async () => {
    await skyRl?.kill();
    local?.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it("has the exported model's log-probabilities, in training and in sampling", async () => {
    const policy = await connect();
    expect(policy.notices[0]).toMatch(
      /it scales losses as sequence-mean \(0\.(299|300)\d by gradient norms\)/,
    );
    const records = someRecords();
    const ours = await local.logProbs(records, T1);
    const theirs = await policy.logProbs(records, T1);
    const gaps = (one: readonly ArrayLike<number>[], other: readonly ArrayLike<number>[]): number =>
      Math.max(...one.flatMap((row, at) => Array.from(row, (value, t) => Math.abs(value - other[at]![t]!))));
    expect(gaps(ours, theirs)).toBeLessThan(1e-4);
    const generation = { stops: ['</answer>'], maxTokens: 12 };
    const actions = await policy.act(
      records.map(({ prompt }, seed) => ({ prompt, random: createRandom(seed), generation })),
      T1,
    );
    const sampled = records.map(({ prompt }, at) => ({ prompt, tokens: actions[at]!.tokens }));
    expect(
      gaps(
        actions.map(({ logProbs }) => logProbs),
        await policy.logProbs(sampled, T1),
      ),
    ).toBeLessThan(1e-4);
    await policy.close();
  });

  it('applies the local gradient of the same loss, in every matrix that it trains', async () => {
    const policy = await connect();
    const records = someRecords();
    const generation = { stops: ['</answer>'], maxTokens: 12 };
    // Acting saves the weights for the sampler: as a file that is read here.
    const save = () => policy.act([{ prompt: records[0]!.prompt, random: createRandom(1), generation }], T1);
    await save();
    const rate = 1e-3;
    const told = await policy.step(records, LOSS, T1, alongGradient(rate));
    await save();
    const before = await savedAdapter('s1');
    const after = await savedAdapter('s2');
    const gradient = await local.gradient(records, LOSS, T1);
    const files = await published(gradient);
    const { tensors } = readSafetensors(files.get('model.safetensors') as Uint8Array);
    let squares = 0;
    let compared = 0;
    for (const [name, b] of after) {
      const part = /^base_model\.model\.(.*)\.lora_B\.weight$/.exec(name)?.[1];
      if (part === undefined) continue;
      const a = before.get(name.replace('lora_B', 'lora_A'))!;
      const whole = tensors.get(`${part}.weight`)!;
      const [outputs, inputs] = whole.shape as [number, number];
      const expected = new Float64Array(outputs * RANK);
      for (let out = 0; out < outputs; out++) {
        for (let r = 0; r < RANK; r++) {
          let sum = 0;
          for (let at = 0; at < inputs; at++)
            sum += whole.values[out * inputs + at]! * a.values[r * inputs + at]!;
          expected[out * RANK + r] = (ALPHA / RANK) * sum;
        }
      }
      const applied = Float64Array.from(b.values, (value) => -value / rate);
      const size = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0);
      squares += size(expected);
      const gap = Math.sqrt(size(applied.map((value, at) => value - expected[at]!)) / size(expected));
      expect(gap, name).toBeLessThan(2e-3);
      compared++;
    }
    // Two layers of q, k, v, o, gate, up and down.
    expect(compared).toBe(14);
    // B is 0 at the start, so A has no gradient.
    expect(told! / Math.sqrt(squares)).toBeCloseTo(1, 3);
    await policy.close();
  });

  it('a step lowers the loss by what its norm promises; it would not if another scaling were undone', async () => {
    const right = await connect();
    const { found, promised } = await descent(right);
    expect(found / promised).toBeGreaterThan(0.97);
    expect(found / promised).toBeLessThan(1.03);
    await right.close();
    for (const scaling of ['sum', 'sequence-mean-sum', 'datum-mean', 'token-mean'] as const) {
      const wrong = await connect(scaling);
      const missed = await descent(wrong);
      expect(Math.abs(missed.found / missed.promised - 1), scaling).toBeGreaterThan(0.1);
      await wrong.close();
    }
  });

  it.each(
    ALGORITHMS.map(({ id }) => id).filter((id) => configured(findAlgorithm(id), {}).heads.length === 0),
  )(
    '%s trains for 5 iterations',
    async (id) => {
      const { metrics } = await runCell(cell(id), CATALOG, { cacheDirectory: folder });
      expect(metrics).toHaveLength(6);
      for (const row of metrics.slice(1)) {
        expect(Number.isFinite(row.loss)).toBe(true);
        if (row.optimizer_steps !== 0) expect(Number.isFinite(row.gradient_norm)).toBe(true);
      }
    },
    600_000,
  );

  it('killed in the middle, it costs the iteration: the cell goes on from the saved weights', async () => {
    const kept: { checkpoint?: Uint8Array } = {};
    const notices: string[] = [];
    const attempt = (onProgress?: CellContext['onProgress']) =>
      runCell(cell('grpo', { retries: 1 }), CATALOG, {
        cacheDirectory: folder,
        ...kept,
        ...(onProgress === undefined ? {} : { onProgress }),
        onNotice: (notice) => notices.push(notice),
        onCheckpoint: (bytes) => {
          kept.checkpoint = bytes;
        },
      });
    const running = attempt(({ stage }) => {
      if (stage.startsWith('iteration 3 ')) void skyRl.kill();
    });
    await expect(running).rejects.toBeInstanceOf(MachineError);
    skyRl = await startSkyRl(model, folder, skyRl.port);
    const { metrics } = await attempt();
    expect(notices.join()).toContain('goes on after iteration 2 of 5');
    expect(metrics).toHaveLength(6);
  }, 900_000);
});

function cell(algorithm: string, more: object = {}): Cell {
  return {
    environment: {
      id: 'search/v1',
      options: findEnvironment('search').schema.parse({
        maxActionTokens: 12,
        maxTurns: 2,
        maxObservationTokens: 8,
      }) as never,
    },
    policy: { id: 'tinker', options: { ...options(), ...more } as never },
    // Few rollouts: the server takes a fraction of a second for each, and seconds for a new shape.
    algorithm: {
      id: algorithm,
      options: findAlgorithm(algorithm).schema.parse(findAlgorithm(algorithm).budget(4)) as never,
    },
    training: trainingSchema.parse({
      iterations: 5,
      questions: 1,
      minibatches: 1,
      learningRate: 1e-3,
      warmupSteps: 0,
      evaluateEvery: 5,
      evaluationQuestions: 1,
      evaluationEpisodes: 1,
    }),
    warmStart: warmStartSchema.parse({ steps: 0 }),
    seed: 1,
    backend: 'wasm',
  };
}

/** The adapter that was saved for the sampler under a name: the newest, where several models have that name. */
async function savedAdapter(name: string) {
  const root = join(folder, 'database.checkpoints');
  const files = (await readdir(root, { recursive: true })).filter((file) =>
    file.endsWith(`sampler_weights/${name}.tar.gz`),
  );
  const dated = await Promise.all(
    files.map(async (file) => [(await stat(join(root, file))).mtimeMs, file] as const),
  );
  const [, newest] = dated.sort(([a], [b]) => b - a)[0]!;
  const archive = gunzipSync(await readFile(join(root, newest)));
  for (let at = 0; at + 512 <= archive.length; ) {
    const field = (from: number, length: number): string =>
      archive.toString('latin1', at + from, at + from + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 12).trim() || '0', 8);
    if (field(0, 100).endsWith('adapter_model.safetensors')) {
      return readSafetensors(archive.subarray(at + 512, at + 512 + size)).tensors;
    }
    at += 512 * (1 + Math.ceil(size / 512));
  }
  throw new Error(`${newest} has no adapter_model.safetensors`);
}
