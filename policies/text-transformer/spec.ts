import { z } from 'zod';
import { SMALL_TRANSFORMER, type TransformerConfig } from '../llama/config.ts';
import { configShape, headsShared, multiple } from '../llama/schema.ts';
import type { PolicySpec } from '../spec.ts';
import type { BackendName } from '../tensor/backend.ts';
import type { TokenizerJson } from '../tokenizer/format.ts';
import { createCodec } from '../tokenizer/load.ts';
import { trainTokenizer } from '../tokenizer/train.ts';

/** The size of the model and of its vocabulary. */
export interface TextTransformerPolicyOptions extends TransformerConfig {
  /** Ids that the tokenizer is trained to have, at most; a multiple of 4, at least 268. */
  readonly vocabularySize: number;
}

/** Texts that are one token each: where a context begins, and the tags of the Search-R1 protocol. */
const SPECIAL_TOKENS: readonly string[] = [
  '<|begin|>',
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

const schema: z.ZodType<TextTransformerPolicyOptions> = z
  .strictObject({ ...configShape(STANDARD), vocabularySize: multiple(4, 4096) })
  .refine(...headsShared)
  .prefault({});

/** The text-writing transformer as a kind of policy. Its assets are a tokenizer trained on the texts. */
export const textTransformerSpec: PolicySpec<TextTransformerPolicyOptions, TokenizerJson> = {
  id: 'text-transformer',
  title: 'a small decoder-only transformer that writes free text, trained from scratch, float32',
  schema,
  actions: 'text',
  restorable: true,
  assets: (texts, { vocabularySize }) =>
    trainTokenizer(texts, { vocabularySize, specialTokens: SPECIAL_TOKENS }),
  layout: async (assets, options) => {
    const { weightSpecs } = await import('../llama/weights.ts');
    return weightSpecs(options, idCount(createCodec(assets)));
  },
  create: async ({ options, assets, backend, random }) => {
    const { createTextTransformer } = await import('./index.ts');
    const { vocabularySize: _, ...config } = options;
    const codec = createCodec(assets);
    return createTextTransformer({
      config,
      codec,
      vocabularySize: idCount(codec),
      backend: backend as BackendName,
      random,
    });
  },
};

/** Rows of the embedding: the kernels work on four logits at a time. */
const idCount = ({ size }: { readonly size: number }): number => 4 * Math.ceil(size / 4);
