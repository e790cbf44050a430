import { InputError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { type AdapterOptions, createAdapterParameters } from '../llama/adapters.ts';
import { createAngleTables } from '../llama/angles.ts';
import { checkConfig, type TransformerConfig } from '../llama/config.ts';
import { createParameters } from '../llama/parameters.ts';
import { parameterCount } from '../llama/weights.ts';
import type { TokenCodec, TrainablePolicy } from '../policy.ts';
import { type BackendName, loadBackend } from '../tensor/backend.ts';
import { createQueue } from '../tensor/read.ts';
import { checkWeightsFit } from '../tensor/room.ts';
import { createGenerator } from './generate.ts';
import { recordFeatures, recordGradient, recordLogProbs } from './learn.ts';
import { createReader } from './reader.ts';
import { contextOf } from './rows.ts';

export interface TextTransformerOptions {
  readonly config: TransformerConfig;
  /** Text to ids and back. All its ids are below `vocabularySize`. */
  readonly codec: TokenCodec;
  /** Ids that the model knows, a positive multiple of 4. */
  readonly vocabularySize: number;
  /** Where the tensors live. Default: `wasm`. tfjs has one backend per process. */
  readonly backend?: BackendName;
  /** Draws the initial weights, if none are given. */
  readonly random: Random;
  /** The initial weights, in the order of `weightSpecs`; the policy's own from here on. */
  readonly weights?: Float32Array;
  /** Trains low-rank adapters on these weights, and leaves the weights as they are. Needs `weights`. */
  readonly lora?: AdapterOptions;
  /** Ids that end an action: its last token then, and not part of its text. Default: none. */
  readonly endIds?: readonly number[];
  /**
   * Room for what one backward pass keeps of its forward pass, in floats, at least 1. A gradient that needs
   * more is computed in parts, with one more forward pass before. Default: 2^26 (256 MiB).
   */
  readonly activationFloats?: number;
  /**
   * Room for the keys and values of contexts read since the parameters changed, in floats, at least 1. Requests
   * that need more are answered in parts. Default: 2^27 (512 MiB).
   */
  readonly cacheFloats?: number;
}

/**
 * A transformer that writes free text token by token, trained from scratch. It reads `prompt.tokens` and nothing
 * else. Logits are float32; probabilities and entropies of sampled tokens float64.
 *
 * Keys and values of every context are kept until the parameters change and found by content: later turns, members of a
 * group and forks read only what is new. On `wasm`, what `act` returns is the same bits whatever else is in
 * the batch or the cache. `logProbs` and `gradient` read whole trajectories at once and agree with it to float32 rounding.
 * @throws InputError when the configuration, the size of the vocabulary or the backend is not valid.
 */
export async function createTextTransformer({
  config,
  codec,
  vocabularySize,
  backend = 'wasm',
  random,
  weights,
  lora,
  endIds = [],
  activationFloats = 1 << 26,
  cacheFloats = 1 << 27,
}: TextTransformerOptions): Promise<TrainablePolicy> {
  checkConfig(config);
  if (!Number.isSafeInteger(vocabularySize) || vocabularySize < 4 || vocabularySize % 4 !== 0) {
    throw new InputError(
      `text-transformer: vocabularySize must be a positive multiple of 4, got ${vocabularySize}`,
    );
  }
  checkWeightsFit(parameterCount(config, vocabularySize), backend);
  await loadBackend(backend);
  const owner = 'text-transformer policy';
  if (lora !== undefined && weights === undefined) {
    throw new InputError(
      'text-transformer: lora adapts the weights of a model; valid: with the option model',
    );
  }
  const parameters =
    lora === undefined
      ? createParameters(owner, config, vocabularySize, random, weights)
      : createAdapterParameters(owner, config, vocabularySize, lora, random, weights!);
  const angles = createAngleTables(config);
  const reader = createReader(config, parameters, angles, cacheFloats);
  const generate = createGenerator(reader, codec, vocabularySize, endIds);
  const turn = createQueue();
  const context = { config, vocabularySize, parameters, angles, activationFloats };
  return {
    id: 'text-transformer',
    codec,
    // One at a time: calls share the cache.
    act: (requests, sampling) => turn(() => generate(requests, sampling)),
    distributions: async () => {
      throw new Error('text-transformer policy: it writes free text and has no listed actions');
    },
    promptTokens: (prompt) => contextOf(prompt, vocabularySize),
    parameters: () => parameters.values(),
    setParameters: (values) => {
      parameters.set(values);
      reader.tree.clear();
    },
    logProbs: (records, sampling) => recordLogProbs(context, records, sampling),
    // Whole records are read without the cache, which stays that of the own weights.
    logProbsUnder: async (other, records, sampling) => {
      const own = parameters.values();
      parameters.set(other);
      try {
        return await recordLogProbs(context, records, sampling);
      } finally {
        parameters.set(own);
      }
    },
    features: (records) => recordFeatures(context, records),
    gradient: (records, loss, sampling, into) => recordGradient(context, records, loss, sampling, into),
    dispose: () => {
      parameters.dispose();
      angles.dispose();
      reader.dispose();
    },
  };
}
