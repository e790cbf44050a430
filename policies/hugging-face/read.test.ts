import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { rotaryAngles } from '../llama/angles.ts';
import { hiddenStates, tokenLogits } from '../llama/model.ts';
import { weightSpecs, weightTensors } from '../llama/weights.ts';
import { readSafetensors, writeSafetensors } from '../safetensors.ts';
import { loadBackend } from '../tensor/backend.ts';
import { createTextTransformer } from '../text-transformer/index.ts';
import golden from './golden/logits.json' with { type: 'json' };
import { modelFiles, readModelFolder, readModelWeights } from './read.ts';

const folderOf = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
const load = async (folder: string) => readModelWeights(folder, await readModelFolder(folder));

const NAMES = ['llama', 'qwen2', 'qwen3'] as const;
const { ids } = golden;

/** log softmax(logits)[target]. */
function logProb(logits: readonly number[], target: number): number {
  const highest = Math.max(...logits);
  return logits[target]! - highest - Math.log(logits.reduce((sum, one) => sum + Math.exp(one - highest), 0));
}

describe.each(['wasm', 'cpu'])('published models on %s against transformers', (backend) => {
  beforeAll(async () => {
    await loadBackend('wasm');
    if (backend === 'cpu') await tf.setBackend('cpu');
  });
  afterAll(() => tf.setBackend('wasm'));

  it.each(NAMES)('%s gives its logits', async (name) => {
    const { config, vocabularySize, parameters } = await load(folderOf(name));
    const expected = golden.logits[name];
    const weights = weightTensors(weightSpecs(config, vocabularySize), parameters);
    const angles = rotaryAngles(config, ids.length);
    const logits = tf.tidy(() => {
      const batch = { ids: tf.tensor1d(ids, 'int32'), batch: 1, length: ids.length };
      return tokenLogits(config, weights, hiddenStates(config, weights, batch, angles)).dataSync();
    });
    tf.dispose([weights, angles.cos, angles.sin]);
    const size = Math.sqrt(expected.reduce((sum, one) => sum + one * one, 0) / expected.length);
    expect(logits.length).toBe(expected.length);
    const error = Math.max(...expected.map((one, index) => Math.abs(one - logits[index]!)));
    expect(error / size).toBeLessThan(1e-4);
  });
});

it.each(NAMES)('%s writes and learns as the text transformer does', async (name) => {
  const { config, vocabularySize, parameters } = await load(folderOf(name));
  const policy = await createTextTransformer({
    config,
    codec: { encode: () => [], decode: (tokens) => '.'.repeat(tokens.length) },
    vocabularySize,
    random: createRandom(1),
    weights: parameters,
  });
  const prompt = { text: '', tokens: Int32Array.from(ids.slice(0, 20)) };
  const record = { prompt, tokens: ids.slice(20) };
  const [read] = await policy.logProbs([record], { temperature: 1 });
  for (const [index, id] of record.tokens.entries()) {
    const at = 19 + index;
    const logits = golden.logits[name].slice(at * vocabularySize, (at + 1) * vocabularySize);
    expect.soft(Math.abs(read![index]! - logProb(logits, id))).toBeLessThan(1e-4);
  }
  const generation = { stops: ['never'], maxTokens: 30 };
  const [action] = await policy.act([{ prompt, random: createRandom(2), generation }], { temperature: 1 });
  const [again] = await policy.logProbs([{ prompt, tokens: action!.tokens }], { temperature: 1 });
  for (const [index, one] of again!.entries()) expect(one).toBeCloseTo(action!.logProbs[index]!, 4);
  // The gradient along itself is the change of the loss, biases and norms of heads included.
  const loss = (rows: readonly Float64Array[]) => rows.map((row) => row.map(() => 1));
  const gradient = Float64Array.from(await policy.gradient([record], loss, { temperature: 1 }));
  const start = policy.parameters();
  let offset = 0;
  for (const spec of weightSpecs(config, vocabularySize)) {
    const size = spec.shape.reduce((product, one) => product * one, 1);
    const part = gradient.subarray(offset, offset + size);
    const square = part.reduce((sum, one) => sum + one * one, 0);
    const step = 0.01 / Math.sqrt(square);
    const total = async (sign: number): Promise<number> => {
      const moved = Float32Array.from(start);
      for (let index = 0; index < size; index++) moved[offset + index]! += sign * step * part[index]!;
      policy.setParameters(moved);
      const [row] = await policy.logProbs([record], { temperature: 1 });
      return row!.reduce((sum, one) => sum + one, 0);
    };
    const slope = ((await total(1)) - (await total(-1))) / (2 * step);
    expect.soft(slope / square, spec.name).toBeCloseTo(1, 1);
    offset += size;
  }
  policy.dispose();
});

describe('readModelWeights', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'model-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const change = async (
    name: string,
    edit: (tensors: Map<string, { shape: number[]; values: Float32Array }>) => void,
  ) => {
    await cp(folderOf(name), folder, { recursive: true });
    const path = join(folder, 'model.safetensors');
    const { tensors } = readSafetensors(await readFile(path));
    edit(tensors);
    await writeFile(path, writeSafetensors(tensors));
  };

  it('names all files that decide what is computed', async () => {
    const names = async (name: string) =>
      (await modelFiles(folderOf(name))).map((file) => file.split('/').at(-1));
    expect(await names('llama')).toEqual(['config.json', 'model.safetensors']);
    expect(await names('qwen2')).toEqual([
      'config.json',
      'model.safetensors.index.json',
      ...[1, 2, 3, 4].map((part) => `model-0000${part}-of-00004.safetensors`),
    ]);
  });

  it('reads the same weights whatever else is in the file', async () => {
    await change('qwen3', (tensors) =>
      tensors.set('model.layers.0.self_attn.rotary_emb.inv_freq', { shape: [1], values: Float32Array.of(1) }),
    );
    expect((await load(folder)).parameters).toEqual((await load(folderOf('qwen3'))).parameters);
  });

  it.each<[string, (tensors: Map<string, { shape: number[]; values: Float32Array }>) => void, RegExp]>([
    ['a missing tensor', (all) => all.delete('lm_head.weight'), /there is no tensor 'lm_head\.weight'/],
    [
      'a tensor of another shape',
      (all) => all.set('model.norm.weight', { shape: [8], values: new Float32Array(8) }),
      /tensor 'model\.norm\.weight' is \[8\], \[32\] needed/,
    ],
    [
      'a tensor that the model has no place for',
      (all) => all.set('model.layers.0.mlp.gate_proj.bias', { shape: [36], values: new Float32Array(36) }),
      /gate_proj\.bias' is not of this architecture/,
    ],
    ['numbers that are none', (all) => all.get('model.norm.weight')!.values.fill(NaN, 3, 4), /not finite/],
  ])('refuses %s', async (_, edit, message) => {
    await change('qwen3', edit);
    const failure = load(folder);
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(message);
  });

  it('refuses a folder without weights or configuration', async () => {
    await expect(load(folder)).rejects.toThrow(/config\.json: cannot be read \(ENOENT\)/);
    await cp(join(folderOf('qwen2'), 'config.json'), join(folder, 'config.json'));
    await expect(load(folder)).rejects.toThrow(/model\.safetensors: cannot be read \(ENOENT\)/);
    await cp(folderOf('qwen2'), folder, { recursive: true });
    await rm(join(folder, 'model-00003-of-00004.safetensors'));
    await expect(load(folder)).rejects.toThrow(
      /model-00003-of-00004\.safetensors: cannot be read \(ENOENT\)/,
    );
  });
});
