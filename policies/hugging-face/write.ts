import { writeSafetensors } from '../safetensors.ts';
import { type PublishedModel, writeModelConfig } from './config.ts';
import { giveTensor, publishedTensors } from './layout.ts';

/**
 * A file of a folder, and what is in it.
 * @experimental
 */
export interface FolderFile {
  readonly name: string;
  readonly content: Uint8Array | string;
}

/** What a folder says of a tokenizer besides tokenizer.json. */
export interface PublishedTokenizer {
  /** The content of tokenizer.json. */
  readonly json: unknown;
  /** The texts of special tokens (`bos_token`, …), if there are such. */
  readonly tokens: Readonly<Record<string, string>>;
  /** Ids that end a text; none. */
  readonly endIds: readonly number[];
  /** The id that a text begins with. */
  readonly beginId?: number | undefined;
  /** The source of a chat template. */
  readonly chat?: string | undefined;
}

/**
 * A model as the files of a folder that transformers and vLLM read: config.json, generation_config.json,
 * model.safetensors in float32, tokenizer.json, tokenizer_config.json and, if there is one, chat_template.jinja.
 * Nothing is lost: `readModelWeights` gives the same bits back.
 */
export function modelFolder(
  model: PublishedModel,
  parameters: ArrayLike<number>,
  { json, tokens, endIds, beginId, chat }: PublishedTokenizer,
): readonly FolderFile[] {
  const ids = {
    bos_token_id: beginId ?? null,
    eos_token_id: endIds.length > 1 ? endIds : (endIds[0] ?? null),
    pad_token_id: null,
  };
  const tensors = new Map(
    publishedTensors(model.config, model.vocabularySize).map((tensor) => [
      tensor.name,
      { shape: tensor.shape, values: giveTensor(parameters, tensor) },
    ]),
  );
  const tokenizerConfig = {
    // Reads tokenizer.json as it is.
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...tokens,
    clean_up_tokenization_spaces: false,
    model_max_length: model.positions,
  };
  return [
    // Other programs look for this format.
    { name: 'model.safetensors', content: writeSafetensors(tensors, { format: 'pt' }) },
    { name: 'config.json', content: lines({ ...writeModelConfig(model), ...ids }) },
    { name: 'generation_config.json', content: lines(ids) },
    { name: 'tokenizer.json', content: `${JSON.stringify(json)}\n` },
    { name: 'tokenizer_config.json', content: lines(tokenizerConfig) },
    ...(chat === undefined ? [] : [{ name: 'chat_template.jinja', content: chat }]),
  ];
}

const lines = (json: object): string => `${JSON.stringify(json, null, 2)}\n`;
