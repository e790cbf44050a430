import { z } from 'zod';
import type { PolicySpec } from '../spec.ts';
import type { BackendName } from '../tensor/backend.ts';
import type { TokenizerJson } from '../tokenizer/format.ts';
import { createCodec } from '../tokenizer/load.ts';
import { trainTokenizer } from '../tokenizer/train.ts';
import { SMALL_TRANSFORMER, type TransformerConfig } from '../transformer/config.ts';

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

const positive = (standard: number) => z.int().positive().default(standard);
const multiple = (step: number, standard: number) => z.int().positive().multipleOf(step).default(standard);

const schema: z.ZodType<TextTransformerPolicyOptions> = z
  .strictObject({
    modelSize: multiple(4, SMALL_TRANSFORMER.modelSize),
    layers: positive(3),
    heads: positive(SMALL_TRANSFORMER.heads),
    kvHeads: positive(SMALL_TRANSFORMER.kvHeads),
    headSize: multiple(8, SMALL_TRANSFORMER.headSize),
    ffnSize: multiple(4, SMALL_TRANSFORMER.ffnSize),
    rotaryBase: z.number().gt(1).default(SMALL_TRANSFORMER.rotaryBase),
    normEpsilon: z.number().positive().default(SMALL_TRANSFORMER.normEpsilon),
    // Copying names is learnt many times faster from here than from 0.02.
    initialDeviation: z.number().positive().default(0.08),
    vocabularySize: multiple(4, 4096),
  })
  .refine(({ heads, kvHeads }) => heads % kvHeads === 0, { path: ['kvHeads'], error: 'must divide heads' })
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
    const { weightSpecs } = await import('../transformer/model.ts');
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
