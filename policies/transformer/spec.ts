import { z } from 'zod';
import type { PolicySpec } from '../spec.ts';
import type { BackendName } from '../tensor/backend.ts';
import { buildVocabulary, checkVocabulary, type Vocabulary, vocabularySize } from '../vocabulary.ts';
import { SMALL_TRANSFORMER, type TransformerConfig } from './config.ts';

/** The size of the model, and how its vocabulary is made. */
export interface TransformerPolicyOptions extends TransformerConfig {
  /** A word gets an id of its own when it occurs at least this often. */
  readonly minimumCount: number;
  /** Ids shared by all other words. */
  readonly hashBuckets: number;
}

const positive = (standard: number) => z.int().positive().default(standard);
const multiple = (step: number, standard: number) => z.int().positive().multipleOf(step).default(standard);

const schema: z.ZodType<TransformerPolicyOptions> = z
  .strictObject({
    modelSize: multiple(4, SMALL_TRANSFORMER.modelSize),
    layers: positive(SMALL_TRANSFORMER.layers),
    heads: positive(SMALL_TRANSFORMER.heads),
    kvHeads: positive(SMALL_TRANSFORMER.kvHeads),
    headSize: multiple(8, SMALL_TRANSFORMER.headSize),
    ffnSize: multiple(4, SMALL_TRANSFORMER.ffnSize),
    rotaryBase: z.number().gt(1).default(SMALL_TRANSFORMER.rotaryBase),
    normEpsilon: z.number().positive().default(SMALL_TRANSFORMER.normEpsilon),
    initialDeviation: z.number().positive().default(SMALL_TRANSFORMER.initialDeviation),
    minimumCount: positive(1),
    hashBuckets: positive(256),
  })
  .refine(({ heads, kvHeads }) => heads % kvHeads === 0, { path: ['kvHeads'], error: 'must divide heads' })
  .prefault({});

/** The transformer as a kind of policy. The tensor library is loaded when the first one is created. */
export const transformerSpec: PolicySpec<TransformerPolicyOptions, Vocabulary> = {
  id: 'transformer',
  title: 'a small decoder-only transformer trained from scratch, float32',
  schema,
  actions: 'listed',
  restorable: true,
  assets: (texts, options) => buildVocabulary(texts, options),
  layout: async (assets, options) => {
    const { weightSpecs } = await import('./model.ts');
    return weightSpecs(options, vocabularySize(checkVocabulary(assets)));
  },
  create: async ({ options, assets, backend, random }) => {
    const { createTransformerPolicy } = await import('./index.ts');
    const { minimumCount: _, hashBuckets: __, ...config } = options;
    return createTransformerPolicy({ config, vocabulary: assets, backend: backend as BackendName, random });
  },
};
