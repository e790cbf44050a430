import { InputError } from '../../core/errors.ts';
import { readModelFolder, readModelWeights } from '../hugging-face/read.ts';
import { openingCodec, readTokenizerFolder } from '../tokenizer/folder.ts';
import type { TextTransformerOptions } from './index.ts';
import type { PublishedOptions } from './spec.ts';

/**
 * What a policy of a published model is made from. Nothing random is drawn.
 * @throws InputError naming the file and what is missing or not supported: the tokenizer and the configuration before
 *   any weight is read.
 */
export async function readPublished({
  model: folder,
  chat,
}: PublishedOptions): Promise<
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
  const codec = openingCodec(tokenizer, folder, chat);
  const { parameters: weights } = await readModelWeights(folder, model);
  return { config, codec, vocabularySize, weights, endIds: tokenizer.endIds };
}
