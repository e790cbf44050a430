import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { giveTensor, publishedTensors } from '../hugging-face/layout.ts';
import { readModelFolder, readModelWeights } from '../hugging-face/read.ts';
import { adaptersOf, mergeAdapters } from '../llama/adapters.ts';
import { parameterCount, sizeOf, type WeightSpec } from '../llama/weights.ts';
import { createTextTransformer } from './index.ts';
import { CONFIG, codec } from './letters.test-helper.ts';
import { textTransformerSpec } from './spec.ts';

const WARM = { temperature: 1 };
const random = createRandom(7);
const someIds = (length: number): number[] => Array.from({ length }, () => random.integer(64));
const records = Array.from({ length: 3 }, () => {
  return { prompt: { text: '', tokens: Int32Array.from(someIds(12)) }, tokens: someIds(30) };
});
const sum = (rows: readonly Float64Array[]): number =>
  rows.flatMap((row) => [...row]).reduce((a, b) => a + b, 0);

describe.each(['llama', 'qwen2', 'qwen3'])('adapters on %s', (name) => {
  const lora = { rank: 3, alpha: 6 };
  const create = async (adapted: boolean) => {
    const folder = fileURLToPath(new URL(`../hugging-face/golden/${name}`, import.meta.url));
    const { config, vocabularySize, parameters } = await readModelWeights(
      folder,
      await readModelFolder(folder),
    );
    const policy = await createTextTransformer({
      ...{ config, codec, vocabularySize, random: createRandom(1), weights: parameters },
      ...(adapted ? { lora } : {}),
    });
    return { policy, specs: adaptersOf(config, vocabularySize, lora).specs };
  };

  it('change nothing at first, and are few', async () => {
    const [plain, adapted] = [await create(false), await create(true)];
    expect(await adapted.policy.logProbs(records, WARM)).toEqual(await plain.policy.logProbs(records, WARM));
    // Of every projection rank · (inputs + outputs), in both blocks.
    const count = adapted.specs.reduce((total, spec) => total + sizeOf(spec), 0);
    expect(adapted.policy.parameters()).toHaveLength(count);
    expect(adapted.specs).toHaveLength(2 * 2 * 7);
    for (const { policy } of [plain, adapted]) policy.dispose();
  });

  it('have the gradient that differences say, each of them', async () => {
    const { policy, specs } = await create(true);
    const draws = createRandom(3);
    const start = Float32Array.from(policy.parameters(), () => 0.3 * (draws.uniform() - 0.5));
    policy.setParameters(start);
    const ones = (rows: readonly Float64Array[]) => rows.map((row) => row.map(() => 1));
    const gradient = Float64Array.from(await policy.gradient(records, ones, WARM));
    let offset = 0;
    for (const spec of specs) {
      const size = sizeOf(spec);
      const part = gradient.subarray(offset, offset + size);
      const square = part.reduce((total, one) => total + one * one, 0);
      const step = 0.01 / Math.sqrt(square);
      const at = async (sign: number): Promise<number> => {
        const moved = Float32Array.from(start);
        for (let index = 0; index < size; index++) moved[offset + index]! += sign * step * part[index]!;
        policy.setParameters(moved);
        return sum(await policy.logProbs(records, WARM));
      };
      const slope = ((await at(1)) - (await at(-1))) / (2 * step);
      expect.soft(Math.abs(slope / square - 1), spec.name).toBeLessThan(0.03);
      offset += size;
    }
    policy.dispose();
  });
});

it('each changes the matrix that it is named after, by alpha / rank · (A · B)', () => {
  const config = { ...CONFIG, layers: 1 };
  const options = { rank: 2, alpha: 6 };
  const adapters = adaptersOf(config, 32, options);
  const tensors = publishedTensors(config, 32);
  const base = new Float32Array(parameterCount(config, 32));
  const names = adapters.specs.map((spec) => spec.name.split('.')[1]!).filter((_, index) => index % 2 === 0);
  const projections = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];
  expect(names).toEqual(['queries', 'keys', 'values', 'mix', 'gate', 'up', 'down']);
  let offset = 0;
  for (const [index, projection] of projections.entries()) {
    const [a, b] = adapters.specs.slice(2 * index, 2 * index + 2) as [WeightSpec, WeightSpec];
    const values = new Float32Array(adapters.specs.reduce((total, spec) => total + sizeOf(spec), 0));
    // A's last row and B's first column: the first output of the last input.
    const inputs = a.shape[0]!;
    const first = offset + 2 * (inputs - 1);
    values.set([2, 3], first);
    values[offset + sizeOf(a)] = 5;
    values[offset + sizeOf(a) + b.shape[1]!] = 7;
    offset += sizeOf(a) + sizeOf(b);
    const merged = new Float32Array(base.length);
    mergeAdapters(adapters, options, base, values, merged);
    for (const tensor of tensors) {
      const found = giveTensor(merged, tensor);
      const expected = new Float32Array(found.length);
      if (tensor.name.includes(`.${projection}_proj.`)) expected[inputs - 1] = (6 / 2) * (2 * 5 + 3 * 7);
      expect(found, `${projection}: ${tensor.name}`).toEqual(expected);
    }
  }
});

describe('a policy with adapters', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lora-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is exported with its adapters in the weights', async () => {
    const put = async (into: string, files: readonly { name: string; content: Uint8Array | string }[]) => {
      await mkdir(into, { recursive: true });
      for (const { name, content } of files) await writeFile(join(into, name), content);
    };
    const make = async (given: object) => {
      const options = textTransformerSpec.schema.parse(given);
      const assets = await textTransformerSpec.assets(['she sells sea shells'], options);
      const policy = await textTransformerSpec.create({
        options,
        assets,
        backend: 'wasm',
        random: createRandom(1),
      });
      const publish = (into: string) =>
        textTransformerSpec.publish!({
          options,
          assets,
          parameters: policy.parameters(),
          positions: 64,
        }).then((files) => put(into, files));
      const layout = await textTransformerSpec.layout!(assets, options);
      return { policy, publish, layout };
    };
    const scratch = await make({
      vocabularySize: 268,
      modelSize: 16,
      ffnSize: 24,
      layers: 1,
      heads: 2,
      kvHeads: 1,
      headSize: 8,
    });
    const [base, merged] = [join(folder, 'base'), join(folder, 'merged')];
    await scratch.publish(base);
    const adapted = await make({ model: base, lora: {} });
    const draws = createRandom(3);
    adapted.policy.setParameters(Float32Array.from(adapted.policy.parameters(), () => draws.uniform() - 0.5));
    await adapted.publish(merged);
    const plain = await make({ model: merged });
    const expected = await adapted.policy.logProbs(records, WARM);
    expect(await plain.policy.logProbs(records, WARM)).toEqual(expected);
    expect(await scratch.policy.logProbs(records, WARM)).not.toEqual(expected);
    expect(adapted.layout.map(({ shape }) => shape.join('x')).slice(0, 6)).toEqual([
      '16x8',
      '8x16',
      '16x8',
      '8x8',
      '16x8',
      '8x8',
    ]);
    for (const { policy } of [scratch, adapted, plain]) policy.dispose();
  });

  it('needs a model to adapt', () => {
    expect(textTransformerSpec.schema.safeParse({ lora: {} }).success).toBe(false);
    expect(textTransformerSpec.schema.parse({ model: 'm', lora: {} })).toEqual({
      model: 'm',
      lora: { rank: 8, alpha: 16 },
    });
    expect(textTransformerSpec.schema.safeParse({ model: 'm', lora: { rank: 0 } }).success).toBe(false);
  });
});
