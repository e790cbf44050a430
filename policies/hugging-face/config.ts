import { z } from 'zod';
import { InputError } from '../../core/errors.ts';
import { checkConfig, type RotaryScaling, type TransformerConfig } from '../llama/config.ts';

/** Names of models whose weights `policies/llama` can compute with, as `architectures` of a config.json has them. */
const ARCHITECTURES = ['LlamaForCausalLM', 'Qwen2ForCausalLM', 'Qwen3ForCausalLM'] as const;
type Architecture = (typeof ARCHITECTURES)[number];

/** A published model as `policies/llama` computes it. */
export interface PublishedModel {
  readonly config: TransformerConfig;
  /** Rows of the embedding. */
  readonly vocabularySize: number;
  /** Positions that the model is meant for. */
  readonly positions: number;
}

const size = z.int().positive();
const ropeSchema = z.looseObject({
  rope_type: z.string().optional(),
  /** Older files. */
  type: z.string().optional(),
  rope_theta: z.number().optional(),
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: size.optional(),
  partial_rotary_factor: z.number().optional(),
});

const fileSchema = z.looseObject({
  architectures: z.array(z.string()).min(1),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  hidden_act: z.string().default('silu'),
  rms_norm_eps: z.number().positive().default(1e-6),
  max_position_embeddings: size.default(2048),
  tie_word_embeddings: z.boolean().default(false),
  rope_theta: z.number().nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  partial_rotary_factor: z.number().nullish(),
  use_sliding_window: z.boolean().default(false),
  layer_types: z.array(z.string()).nullish(),
  quantization_config: z.unknown().optional(),
});

/**
 * The model that a config.json describes.
 * @param name what error messages call the file.
 * @throws InputError naming what is missing, or what is not supported.
 */
export function readModelConfig(json: unknown, name: string): PublishedModel {
  const wrong = (what: string): never => {
    throw new InputError(`${name}: ${what}`);
  };
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    return wrong(`${path.join('.') || 'content'}: ${message}; expected the config.json of a published model`);
  }
  const file = parsed.data;
  const architecture = file.architectures[0] as Architecture;
  if (!ARCHITECTURES.includes(architecture)) {
    wrong(`the architecture ${architecture} is not supported; valid: ${ARCHITECTURES.join(', ')}`);
  }
  if (file.quantization_config != null) wrong('quantized weights (quantization_config) are not supported');
  if (file.hidden_act !== 'silu') wrong(`hidden_act is ${file.hidden_act}; supported is silu`);
  for (const option of ['attention_bias', 'mlp_bias', 'use_sliding_window'] as const) {
    if (file[option]) wrong(`${option} is true; supported is false`);
  }
  const other = file.layer_types?.find((type) => type !== 'full_attention');
  if (other !== undefined) wrong(`layer_types has ${other}; supported is full_attention`);
  const isLlama = architecture === 'LlamaForCausalLM';
  const { num_attention_heads: heads } = file;
  const kvHeads = file.num_key_value_heads ?? (isLlama ? heads : undefined);
  const headSize = file.head_dim ?? (architecture === 'Qwen3ForCausalLM' ? 128 : file.hidden_size / heads);
  if (kvHeads === undefined) return wrong('num_key_value_heads is missing');
  if (file.vocab_size % 4 !== 0) wrong(`vocab_size is ${file.vocab_size}; supported are multiples of 4`);
  const rope = { ...file.rope_scaling, ...file.rope_parameters };
  if ((rope.partial_rotary_factor ?? file.partial_rotary_factor ?? 1) !== 1) {
    wrong('partial_rotary_factor is not 1, which is not supported');
  }
  const rotaryScaling = scalingOf(rope, file.max_position_embeddings, wrong);
  const config: TransformerConfig = {
    modelSize: file.hidden_size,
    layers: file.num_hidden_layers,
    heads,
    kvHeads,
    headSize,
    ffnSize: file.intermediate_size,
    rotaryBase: rope.rope_theta ?? file.rope_theta ?? 10_000,
    normEpsilon: file.rms_norm_eps,
    initialDeviation: 0.02,
    ...(architecture === 'Qwen2ForCausalLM' ? { qkvBias: true } : {}),
    ...(architecture === 'Qwen3ForCausalLM' ? { headNorms: true } : {}),
    ...(file.tie_word_embeddings ? {} : { untied: true }),
    ...(rotaryScaling === undefined ? {} : { rotaryScaling }),
  };
  try {
    checkConfig(config);
  } catch (error) {
    wrong((error as Error).message);
  }
  return { config, vocabularySize: file.vocab_size, positions: file.max_position_embeddings };
}

function scalingOf(
  rope: z.infer<typeof ropeSchema>,
  positions: number,
  wrong: (what: string) => never,
): RotaryScaling | undefined {
  const kind = rope.rope_type ?? rope.type ?? 'default';
  if (kind === 'default') return undefined;
  if (kind !== 'linear' && kind !== 'llama3') {
    return wrong(`rotary scaling '${kind}' is not supported; valid: default, linear, llama3`);
  }
  const need = (option: keyof typeof rope): number =>
    (rope[option] as number | undefined) ?? wrong(`rotary scaling '${kind}' needs ${option}`);
  if (kind === 'linear') return { kind, factor: need('factor') };
  return {
    kind,
    factor: need('factor'),
    lowFrequencyFactor: need('low_freq_factor'),
    highFrequencyFactor: need('high_freq_factor'),
    originalLength: rope.original_max_position_embeddings ?? positions,
  };
}

/** What a config.json says of a model of ours; `readModelConfig` gives the model back. */
export function writeModelConfig({
  config,
  vocabularySize,
  positions,
}: PublishedModel): Readonly<Record<string, unknown>> {
  const architecture: Architecture =
    config.qkvBias === true
      ? 'Qwen2ForCausalLM'
      : config.headNorms === true
        ? 'Qwen3ForCausalLM'
        : 'LlamaForCausalLM';
  return {
    architectures: [architecture],
    model_type: architecture.replace('ForCausalLM', '').toLowerCase(),
    vocab_size: vocabularySize,
    hidden_size: config.modelSize,
    intermediate_size: config.ffnSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headSize,
    hidden_act: 'silu',
    rms_norm_eps: config.normEpsilon,
    max_position_embeddings: positions,
    tie_word_embeddings: config.untied !== true,
    // Both spellings: transformers 5 reads the second, vLLM and others still the first.
    rope_theta: config.rotaryBase,
    ...ropeOf(config),
    attention_bias: false,
    mlp_bias: false,
    initializer_range: config.initialDeviation,
    torch_dtype: 'float32',
    dtype: 'float32',
  };
}

function ropeOf({ rotaryBase, rotaryScaling }: TransformerConfig): Readonly<Record<string, unknown>> {
  if (rotaryScaling === undefined) {
    return { rope_scaling: null, rope_parameters: { rope_type: 'default', rope_theta: rotaryBase } };
  }
  const { kind, factor } = rotaryScaling;
  const scaling = {
    rope_type: kind,
    factor,
    ...(kind === 'llama3'
      ? {
          low_freq_factor: rotaryScaling.lowFrequencyFactor,
          high_freq_factor: rotaryScaling.highFrequencyFactor,
          original_max_position_embeddings: rotaryScaling.originalLength,
        }
      : {}),
  };
  return { rope_scaling: scaling, rope_parameters: { ...scaling, rope_theta: rotaryBase } };
}
