import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { parameterCount } from '../llama/weights.ts';
import { createTextTransformer } from '../text-transformer/index.ts';
import { CONFIG, codec, someIds, VOCABULARY } from '../text-transformer/letters.test-helper.ts';
import { textTransformerSpec } from '../text-transformer/spec.ts';
import type { PublishedModel } from './config.ts';
import { padHeads } from './pad-heads.ts';
import { readModelFolder, readModelWeights } from './read.ts';
import { type FolderFile, modelFolder } from './write.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'model-'));
});
afterEach(() => rm(folder, { recursive: true }));

const put = async (files: readonly FolderFile[], into = folder): Promise<void> => {
  await mkdir(into, { recursive: true });
  for (const { name, content } of files) await writeFile(join(into, name), content);
};
const load = async (from: string) => readModelWeights(from, await readModelFolder(from));

it.each(['llama', 'qwen2', 'qwen3'])('%s is written as what was read, bit by bit', async (name) => {
  const model = await load(fileURLToPath(new URL(`golden/${name}`, import.meta.url)));
  await put(modelFolder(model, model.parameters, { json: {}, tokens: {}, endIds: [2, 3], beginId: 1 }));
  const { config, ...again } = await load(folder);
  // Not part of what is computed.
  const { initialDeviation: _, ...rest } = config;
  expect(rest).toEqual({ ...model.config, initialDeviation: undefined });
  expect(again.positions).toBe(model.positions);
  expect(Buffer.from(again.parameters.buffer).equals(Buffer.from(model.parameters.buffer))).toBe(true);
});

describe('a text transformer that is written and read again as a published model', () => {
  const texts = ['Who wrote it? <search> who wrote it </search> she wrote it', 'she sells sea shells'];
  const scratch = textTransformerSpec.schema.parse({
    vocabularySize: 288,
    modelSize: 16,
    ffnSize: 24,
    layers: 2,
  });

  it('is the same policy, and so is the copy of the copy', async () => {
    const assets = await textTransformerSpec.assets(texts, scratch);
    const create = { backend: 'wasm', random: createRandom(1) };
    const first = await textTransformerSpec.create({ ...create, options: scratch, assets });
    const parameters = first.parameters();
    const request = { options: scratch, assets, parameters, positions: 256 };
    await put(await textTransformerSpec.publish!(request));

    const options = textTransformerSpec.schema.parse({ model: folder });
    const published = await textTransformerSpec.assets([], options);
    expect(published).toEqual(assets);
    const second = await textTransformerSpec.create({ ...create, options, assets: published });
    expect(second.parameters()).toEqual(parameters);
    const tokens = Int32Array.from(first.codec!.encode('<|begin|>Who wrote it?'));
    expect(Int32Array.from(second.codec!.encode('<|begin|>Who wrote it?'))).toEqual(tokens);
    const record = { prompt: { text: '', tokens }, tokens: [...first.codec!.encode(' she wrote it')] };
    const logProbs = await first.logProbs([record], { temperature: 1 });
    expect(await second.logProbs([record], { temperature: 1 })).toEqual(logProbs);
    expect(await textTransformerSpec.layout!(published, options)).toEqual(
      (await textTransformerSpec.layout!(assets, scratch)).map((one) =>
        expect.objectContaining({ name: one.name, shape: one.shape }),
      ),
    );

    const copy = join(folder, 'copy');
    await put(await textTransformerSpec.publish!({ ...request, options, assets: published }), copy);
    expect((await load(copy)).parameters).toEqual(parameters);
    expect((await readModelFolder(copy)).positions).toBe(256);
    expect((await textTransformerSpec.files!(options)).map((file) => file.slice(folder.length + 1))).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
      'generation_config.json',
    ]);
    for (const one of [first, second]) one.dispose();
  });

  it('ends what it writes with an end id, which is not in its text', async () => {
    const assets = await textTransformerSpec.assets(texts, scratch);
    const create = { backend: 'wasm', random: createRandom(1) };
    const first = await textTransformerSpec.create({ ...create, options: scratch, assets });
    await put(
      await textTransformerSpec.publish!({
        options: scratch,
        assets,
        parameters: first.parameters(),
        positions: 256,
      }),
    );
    first.dispose();
    // Every second id ends.
    const ends = Array.from({ length: 120 }, (_, index) => 2 * index + 20);
    await writeFile(join(folder, 'generation_config.json'), JSON.stringify({ eos_token_id: ends }));
    const options = textTransformerSpec.schema.parse({ model: folder });
    const policy = await textTransformerSpec.create({ ...create, options, assets });
    const prompt = { text: '', tokens: Int32Array.of(0) };
    const requests = Array.from({ length: 20 }, (_, index) => {
      return { prompt, random: createRandom(index), generation: { stops: ['never'], maxTokens: 30 } };
    });
    const actions = await policy.act(requests, { temperature: 1 });
    expect(actions.every(({ cut }) => cut === false)).toBe(true);
    for (const { tokens, text } of actions) {
      const [last, ...before] = [...tokens].reverse();
      expect(ends).toContain(last);
      expect(before.some((id) => ends.includes(id))).toBe(false);
      expect(text).toBe(policy.codec!.decode(before.reverse()));
    }
    // A fork behind the end stays ended.
    const [one] = actions;
    const generation = { stops: ['never'], maxTokens: 30, prefix: one! };
    const [again] = await policy.act([{ prompt, random: createRandom(9), generation }], { temperature: 1 });
    expect(again!.tokens).toEqual(one!.tokens);
    policy.dispose();
  });
});

it.each(['plain', 'qwen2'])('heads are widened without another result: %s', async (name) => {
  const config = { ...CONFIG, headSize: 8, modelSize: 16, qkvBias: name === 'qwen2' };
  const model = { config, vocabularySize: VOCABULARY, positions: 64 };
  const draws = createRandom(4);
  const parameters = Float32Array.from(
    { length: parameterCount(config, VOCABULARY) },
    () => draws.uniform() - 0.5,
  );
  const record = {
    prompt: { text: '', tokens: Int32Array.of(1, 2, 3) },
    tokens: [...someIds(createRandom(5), 40)],
  };
  const logProbs = async (of: { model: PublishedModel; parameters: ArrayLike<number> }) => {
    const weights = Float32Array.from(of.parameters);
    const policy = await createTextTransformer({ ...of.model, codec, random: draws, weights });
    const [row] = await policy.logProbs([record], { temperature: 1 });
    policy.dispose();
    return row!;
  };
  const expected = await logProbs({ model, parameters });
  for (const headSize of [8, 16, 32]) {
    const padded = padHeads({ model, parameters }, headSize);
    expect(padded.model.config.headSize).toBe(headSize);
    for (const [index, one] of (await logProbs(padded)).entries())
      expect(one).toBeCloseTo(expected[index]!, 4);
  }
  expect(() => padHeads({ model, parameters }, 12)).toThrow(
    /--head-size is 12, and the model has heads of 8; valid/,
  );
  const normed = { ...model, config: { ...config, headNorms: true } };
  expect(() => padHeads({ model: normed, parameters }, 16)).toThrow(/which are normalised/);
});

describe('the options of the policy', () => {
  it.each([
    [{ model: 'm', layers: 2 }, /Unrecognized key: "layers"/],
    [{ model: '' }, />=1/],
    [{ model: 'm', chat: 3 }, /Invalid input/],
    [{ layers: 0 }, />0/],
    [{ kvHeads: 3 }, /must divide heads/],
    [{ chat: true }, /Unrecognized key: "chat"/],
  ])('refuse %j', (options, message) => {
    const checked = textTransformerSpec.schema.safeParse(options);
    expect(checked.success).toBe(false);
    expect(checked.error!.issues[0]!.message).toMatch(message);
  });

  it('are complete without any, and those of a model are left as they are', () => {
    expect(textTransformerSpec.schema.parse(undefined)).toMatchObject({ layers: 3, vocabularySize: 4096 });
    const variables = { model: 'm', chat: { enable_thinking: false } };
    expect(textTransformerSpec.schema.parse(variables)).toEqual(variables);
    expect(textTransformerSpec.schema.parse({ model: 'm' })).toEqual({ model: 'm' });
  });
});
