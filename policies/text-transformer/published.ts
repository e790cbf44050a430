import { InputError } from '../../core/errors.ts';
import type { PublishedModel } from '../hugging-face/config.ts';
import { readModelFolder, readModelWeights } from '../hugging-face/read.ts';
import { adaptersOf, mergeAdapters } from '../llama/adapters.ts';
import { parameterCount } from '../llama/weights.ts';
import type { BackendName } from '../tensor/backend.ts';
import { checkWeightsFit } from '../tensor/room.ts';
import { openingCodec, readTokenizerFolder } from '../tokenizer/folder.ts';
import type { TextTransformerOptions } from './index.ts';
import type { PublishedOptions } from './options.ts';

/**
 * What a policy of a published model is made from. Nothing random is drawn.
 * @throws InputError naming the file and what is missing or not supported: the tokenizer and the configuration before
 *   any weight is read.
 */
export async function readPublished(
  { model: folder, chat }: PublishedOptions,
  backend: BackendName,
): Promise<
  Required<Pick<TextTransformerOptions, 'config' | 'codec' | 'vocabularySize' | 'weights' | 'endIds'>>
> {
  const model = await readModelFolder(folder);
  const { config, vocabularySize } = model;
  const tokenizer = await readTokenizerFolder(folder);
  if (tokenizer.codec.size > vocabularySize) {
    throw new InputError(
      `${folder}: tokenizer.json has ${tokenizer.codec.size} ids, and the model (config.json, vocab_size) ${vocabularySize}`,
    );
  }
  checkWeightsFit(parameterCount(config, vocabularySize), backend);
  const codec = openingCodec(tokenizer, folder, chat);
  const { parameters: weights } = await readModelWeights(folder, model);
  return { config, codec, vocabularySize, weights, endIds: tokenizer.endIds };
}

/** The weights of a published model's policy, whose parameters are these or adapters on them. */
export async function mergedWeights(
  { model: folder, lora }: PublishedOptions,
  model: PublishedModel,
  parameters: ArrayLike<number>,
): Promise<ArrayLike<number>> {
  if (lora === undefined) return parameters;
  const { parameters: base } = await readModelWeights(folder, model);
  const merged = new Float32Array(base.length);
  mergeAdapters(adaptersOf(model.config, model.vocabularySize, lora), lora, base, parameters, merged);
  return merged;
}
