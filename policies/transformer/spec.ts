import { z } from 'zod';
import { SMALL_TRANSFORMER, type TransformerConfig } from '../llama/config.ts';
import { configShape, headsShared, positive } from '../llama/schema.ts';
import type { PolicySpec } from '../spec.ts';
import type { BackendName } from '../tensor/backend.ts';
import { buildVocabulary, checkVocabulary, type Vocabulary, vocabularySize } from './vocabulary.ts';

/** The size of the model, and how its vocabulary is made. */
export interface TransformerPolicyOptions extends TransformerConfig {
  /** A word gets an id of its own when it occurs at least this often. */
  readonly minimumCount: number;
  /** Ids shared by all other words. */
  readonly hashBuckets: number;
}

const schema: z.ZodType<TransformerPolicyOptions> = z
  .strictObject({
    ...configShape(SMALL_TRANSFORMER),
    minimumCount: positive(1),
    hashBuckets: positive(256),
  })
  .refine(...headsShared)
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
    const { weightSpecs } = await import('../llama/weights.ts');
    return weightSpecs(options, vocabularySize(checkVocabulary(assets)));
  },
  create: async ({ options, assets, backend, random }) => {
    const { createTransformerPolicy } = await import('./index.ts');
    const { minimumCount: _, hashBuckets: __, ...config } = options;
    return createTransformerPolicy({ config, vocabulary: assets, backend: backend as BackendName, random });
  },
};
