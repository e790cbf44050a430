import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { readModelConfig, writeModelConfig } from './config.ts';

const llama = {
  architectures: ['LlamaForCausalLM'],
  vocab_size: 128,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
};

describe('readModelConfig', () => {
  it('takes what is not said as transformers does', () => {
    expect(readModelConfig(llama, 'config.json')).toEqual({
      vocabularySize: 128,
      positions: 2048,
      config: {
        modelSize: 64,
        layers: 2,
        heads: 4,
        kvHeads: 4,
        headSize: 16,
        ffnSize: 96,
        rotaryBase: 10000,
        normEpsilon: 1e-6,
        initialDeviation: 0.02,
        untied: true,
      },
    });
    const qwen3 = {
      ...llama,
      architectures: ['Qwen3ForCausalLM'],
      num_key_value_heads: 2,
      tie_word_embeddings: true,
    };
    expect(readModelConfig(qwen3, 'config.json').config).toMatchObject({
      headSize: 128,
      headNorms: true,
      kvHeads: 2,
    });
    expect(readModelConfig(qwen3, 'config.json').config).not.toHaveProperty('untied');
  });

  it('reads rotary scaling in the old and the new spelling', () => {
    const scaling = {
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    };
    const old = { ...llama, rope_theta: 5e5, rope_scaling: { ...scaling, type: 'llama3' } };
    const fresh = { ...llama, rope_parameters: { ...scaling, rope_type: 'llama3', rope_theta: 5e5 } };
    const model = readModelConfig(old, 'f');
    expect(model.config).toMatchObject({
      rotaryBase: 5e5,
      rotaryScaling: {
        kind: 'llama3',
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalLength: 64,
      },
    });
    expect(readModelConfig(fresh, 'f')).toEqual(model);
  });

  it('reads back what is written', () => {
    for (const change of [
      {},
      { tie_word_embeddings: true },
      { architectures: ['Qwen2ForCausalLM'], num_key_value_heads: 2, rope_theta: 1e6 },
      { architectures: ['Qwen3ForCausalLM'], num_key_value_heads: 1, head_dim: 8 },
      { rope_scaling: { rope_type: 'linear', factor: 2 }, max_position_embeddings: 512 },
      { rope_parameters: { rope_type: 'llama3', factor: 2, low_freq_factor: 1, high_freq_factor: 4 } },
    ]) {
      const model = readModelConfig({ ...llama, ...change }, 'f');
      expect(readModelConfig(JSON.parse(JSON.stringify(writeModelConfig(model))), 'f')).toEqual(model);
    }
  });

  it.each([
    [
      { architectures: ['MixtralForCausalLM'] },
      /the architecture MixtralForCausalLM is not supported; valid: Llama/,
    ],
    [{ hidden_size: undefined }, /hidden_size: .*expected the config\.json of a published model/],
    [{ quantization_config: { bits: 4 } }, /quantized weights/],
    [{ hidden_act: 'gelu' }, /hidden_act is gelu/],
    [{ attention_bias: true }, /attention_bias is true/],
    [{ mlp_bias: true }, /mlp_bias is true/],
    [{ use_sliding_window: true }, /use_sliding_window is true/],
    [{ layer_types: ['full_attention', 'sliding_attention'] }, /layer_types has sliding_attention/],
    [
      { rope_scaling: { type: 'yarn', factor: 4 } },
      /rotary scaling 'yarn' is not supported; valid: default, linear, llama3/,
    ],
    [{ rope_parameters: { rope_type: 'dynamic' } }, /rotary scaling 'dynamic'/],
    [{ rope_scaling: { rope_type: 'llama3', factor: 4 } }, /'llama3' needs low_freq_factor/],
    [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
    [{ vocab_size: 130 }, /vocab_size is 130; supported are multiples of 4/],
    [{ head_dim: 12 }, /headSize must be a positive multiple of 8, got 12/],
    [{ architectures: ['Qwen2ForCausalLM'] }, /num_key_value_heads is missing/],
  ])('refuses %j', (change, message) => {
    const read = () => readModelConfig({ ...llama, ...change }, 'config.json');
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
  });
});
