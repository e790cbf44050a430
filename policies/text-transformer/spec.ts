import { z } from 'zod';
import { SMALL_TRANSFORMER, type TransformerConfig } from '../llama/config.ts';
import { configShape, headsShared, multiple } from '../llama/schema.ts';
import { ofOption, type PolicySpec } from '../spec.ts';
import type { BackendName } from '../tensor/backend.ts';
import { tokenizerFiles } from '../tokenizer/folder.ts';
import type { TokenizerJson } from '../tokenizer/format.ts';
import { createCodec } from '../tokenizer/load.ts';
import { trainTokenizer } from '../tokenizer/train.ts';
import type { PublishedOptions, ScratchOptions, TextTransformerPolicyOptions } from './options.ts';

/** Texts that are one token each: where a context begins, and the tags of the Search-R1 protocol. */
const BEGIN = '<|begin|>';
const SPECIAL_TOKENS: readonly string[] = [
  BEGIN,
  '<think>',
  '</think>',
  '<search>',
  '</search>',
  '<information>',
  '</information>',
  '<answer>',
  '</answer>',
];

/** Copying names is learnt many times faster from a deviation of 0.08 than from 0.02. */
const STANDARD: TransformerConfig = { ...SMALL_TRANSFORMER, layers: 3, initialDeviation: 0.08 };

const scratchSchema: z.ZodType<ScratchOptions> = z
  .strictObject({ ...configShape(STANDARD), vocabularySize: multiple(4, 4096) })
  .refine(...headsShared);

const publishedSchema: z.ZodType<PublishedOptions> = z.strictObject({
  model: z.string().min(1),
  chat: z.union([z.boolean(), z.record(z.string(), z.unknown())]).exactOptional(),
  lora: z
    .strictObject({ rank: z.int().min(1).max(1024).default(8), alpha: z.number().positive().default(16) })
    .exactOptional(),
});

/** Which of the two it is follows from `model`, and so do the problems that are told. */
const schema = z
  .looseObject({})
  .prefault({})
  .transform((value, context): TextTransformerPolicyOptions => {
    const checked = ('model' in value ? publishedSchema : scratchSchema).safeParse(value);
    if (checked.success) return checked.data;
    context.issues.push(...checked.error.issues.map((issue) => ({ ...issue, input: value }) as never));
    return z.NEVER;
  }) as unknown as z.ZodType<TextTransformerPolicyOptions>;

/** The text-writing transformer as a kind of policy. Its assets are its tokenizer: trained on the texts, or published. */
export const textTransformerSpec: PolicySpec<TextTransformerPolicyOptions, TokenizerJson> = {
  id: 'text-transformer',
  title: 'a decoder-only transformer that writes free text, from scratch or published, float32',
  schema,
  actions: 'text',
  restorable: true,
  files: async (options) => {
    if (!('model' in options)) return [];
    const { modelFiles } = await import('../hugging-face/read.ts');
    const files = async () => [...(await modelFiles(options.model)), ...tokenizerFiles(options.model)];
    return [...new Set(await ofOption('model', files))];
  },
  assets: async (texts, options) => {
    if (!('model' in options)) {
      return trainTokenizer(texts, { vocabularySize: options.vocabularySize, specialTokens: SPECIAL_TOKENS });
    }
    const { readTokenizerFolder } = await import('../tokenizer/folder.ts');
    return (await readTokenizerFolder(options.model)).json;
  },
  layout: async (assets, options) => {
    const { weightSpecs } = await import('../llama/weights.ts');
    if (!('model' in options)) return weightSpecs(configOf(options), idCount(createCodec(assets)));
    const { readModelFolder } = await import('../hugging-face/read.ts');
    const { config, vocabularySize } = await readModelFolder(options.model);
    if (options.lora === undefined) return weightSpecs(config, vocabularySize);
    const { adaptersOf } = await import('../llama/adapters.ts');
    return adaptersOf(config, vocabularySize, options.lora).specs;
  },
  publish: async ({ options, assets, parameters, positions, headSize }) => {
    const { modelFolder } = await import('../hugging-face/write.ts');
    const { padHeads } = await import('../hugging-face/pad-heads.ts');
    if (!('model' in options)) {
      const codec = createCodec(assets);
      const beginId = codec.idOf(BEGIN);
      // It knows no end of a text: actions end with a stop.
      const tokenizer = {
        json: assets,
        tokens: beginId === undefined ? {} : { bos_token: BEGIN },
        endIds: [],
        beginId,
      };
      const model = { config: configOf(options), vocabularySize: idCount(codec), positions };
      const wide = padHeads({ model, parameters }, headSize ?? model.config.headSize);
      return modelFolder(wide.model, wide.parameters, tokenizer);
    }
    const { readModelFolder } = await import('../hugging-face/read.ts');
    const { readTokenizerFolder } = await import('../tokenizer/folder.ts');
    const { json, codec, tokens, endIds, chat } = await readTokenizerFolder(options.model);
    const beginId = tokens.bos_token === undefined ? undefined : codec.idOf(tokens.bos_token);
    const tokenizer = { json, tokens, endIds, beginId, chat: chat?.source };
    const { mergedWeights } = await import('./published.ts');
    const model = await readModelFolder(options.model);
    const merged = await mergedWeights(options, model, parameters);
    const wide = padHeads({ model, parameters: merged }, headSize ?? model.config.headSize);
    return modelFolder(wide.model, wide.parameters, tokenizer);
  },
  create: async ({ options, assets, backend: name, random }) => {
    const { createTextTransformer } = await import('./index.ts');
    const backend = name as BackendName;
    if (!('model' in options)) {
      const codec = createCodec(assets);
      const config = configOf(options);
      return createTextTransformer({ config, codec, vocabularySize: idCount(codec), backend, random });
    }
    const { readPublished } = await import('./published.ts');
    const { lora } = options;
    const published = await readPublished(options, backend);
    return createTextTransformer({ ...published, ...(lora === undefined ? {} : { lora }), backend, random });
  },
};

const configOf = ({ vocabularySize: _, ...config }: ScratchOptions): TransformerConfig => config;

/** Rows of the embedding: the kernels work on four logits at a time. */
const idCount = ({ size }: { readonly size: number }): number => 4 * Math.ceil(size / 4);
