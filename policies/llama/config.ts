import { InputError } from '../../core/errors.ts';

/** How the rotary frequencies are changed for contexts longer than those of the first training. */
export type RotaryScaling =
  | { readonly kind: 'linear' /** Frequencies are divided by it. */; readonly factor: number }
  | {
      /** Llama 3: low frequencies are divided by `factor`, high ones stay, those between are blended. */
      readonly kind: 'llama3';
      readonly factor: number;
      /** Wavelengths above `originalLength / lowFrequencyFactor` are low frequencies. */
      readonly lowFrequencyFactor: number;
      /** Wavelengths below `originalLength / highFrequencyFactor` are high frequencies. */
      readonly highFrequencyFactor: number;
      /** Positions of the first training. */
      readonly originalLength: number;
    };

/** The size of a decoder-only transformer of the Llama family, and in what published ones differ. */
export interface TransformerConfig {
  /** Width of the residual stream, a multiple of 4. */
  readonly modelSize: number;
  /** Number of blocks, at least 1. */
  readonly layers: number;
  /** Number of query heads. */
  readonly heads: number;
  /** Number of key and value heads; divides `heads`. */
  readonly kvHeads: number;
  /** Numbers per head, a multiple of 8. */
  readonly headSize: number;
  /** Hidden width of the feed-forward part, a multiple of 4. */
  readonly ffnSize: number;
  /** Base of the rotary wavelengths, > 1. */
  readonly rotaryBase: number;
  /** Added to the mean square before the root, > 0. */
  readonly normEpsilon: number;
  /** Standard deviation of the initial matrices, > 0. */
  readonly initialDeviation: number;
  /** Queries, keys and values have biases (Qwen2). Default: false. */
  readonly qkvBias?: boolean;
  /** Every query and key is normalised before it is rotated (Qwen3). Default: false. */
  readonly headNorms?: boolean;
  /** The output matrix is not the embedding. Default: false. */
  readonly untied?: boolean;
  /** Default: none. */
  readonly rotaryScaling?: RotaryScaling;
}

/** A size that learns the multi-hop tasks in minutes on one core. */
export const SMALL_TRANSFORMER: TransformerConfig = {
  modelSize: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headSize: 16,
  ffnSize: 172,
  rotaryBase: 10000,
  normEpsilon: 1e-5,
  initialDeviation: 0.02,
};

/** @throws InputError when a size is out of range. */
export function checkConfig(config: TransformerConfig): void {
  const steps: Partial<Record<keyof TransformerConfig, number>> = { modelSize: 4, headSize: 8, ffnSize: 4 };
  for (const name of ['modelSize', 'layers', 'heads', 'kvHeads', 'headSize', 'ffnSize'] as const) {
    const step = steps[name] ?? 1;
    const value = config[name];
    if (!Number.isSafeInteger(value) || value < 1 || value % step !== 0) {
      throw new InputError(`transformer: ${name} must be a positive multiple of ${step}, got ${value}`);
    }
  }
  if (config.heads % config.kvHeads !== 0) {
    throw new InputError(`transformer: kvHeads must divide heads (${config.heads}), got ${config.kvHeads}`);
  }
  if (!(config.rotaryBase > 1) || !Number.isFinite(config.rotaryBase)) {
    throw new InputError(`transformer: rotaryBase must be above 1, got ${config.rotaryBase}`);
  }
  for (const name of ['normEpsilon', 'initialDeviation'] as const) {
    if (!(config[name] > 0) || !Number.isFinite(config[name])) {
      throw new InputError(`transformer: ${name} must be above 0, got ${config[name]}`);
    }
  }
}
