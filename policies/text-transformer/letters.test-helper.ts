import * as tf from '@tensorflow/tfjs';
import { createRandom, type Random } from '../../core/random.ts';
import { createAngleTables, rotaryAngles } from '../llama/angles.ts';
import type { TransformerConfig } from '../llama/config.ts';
import { hiddenStates, tokenLogits } from '../llama/model.ts';
import { createParameters } from '../llama/parameters.ts';
import { weightSpecs, weightTensors } from '../llama/weights.ts';
import type { ActRequest, Generation, SampledAction, TokenCodec, TrainablePolicy } from '../policy.ts';
import { loadBackend } from '../tensor/backend.ts';
import { createGenerator, type Generator } from './generate.ts';
import { createTextTransformer, type TextTransformerOptions } from './index.ts';
import { createReader } from './reader.ts';

export const CONFIG: TransformerConfig = {
  modelSize: 16,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headSize: 8,
  ffnSize: 24,
  rotaryBase: 10000,
  normEpsilon: 1e-5,
  initialDeviation: 0.02,
};

/** One token per character, and one for a whole '</s>'. */
const PIECES = [...'abcdefghijklmnopqrstuvwxyz<>/ .', '</s>'];
export const VOCABULARY = PIECES.length;
export const STOP_ID = VOCABULARY - 1;

export const codec: TokenCodec = {
  encode: (text) =>
    text
      .split(/(<\/s>)/)
      .flatMap((part) =>
        part === '</s>' ? [STOP_ID] : [...part].map((character) => PIECES.indexOf(character)),
      ),
  decode: (ids) => Array.from(ids, (id) => PIECES[id] ?? '').join(''),
};

/** Weights large enough to have opinions. */
const opinionated = (parameters: Float32Array | Float64Array) =>
  parameters.map((value) => (value === 1 ? 1 : 12 * value));

export async function createPolicy(options: Partial<TextTransformerOptions> = {}): Promise<TrainablePolicy> {
  const random = createRandom(1);
  const policy = await createTextTransformer({
    config: CONFIG,
    codec,
    vocabularySize: VOCABULARY,
    random,
    ...options,
  });
  policy.setParameters(opinionated(policy.parameters()));
  return policy;
}

/** A generator on a backend that may have no fused kernels, with the parameters of `createPolicy`. */
export async function createGeneratorOn(
  backend: string,
): Promise<{ readonly generate: Generator; dispose(): void }> {
  await loadBackend('wasm');
  await tf.setBackend(backend);
  const parameters = createParameters('test', CONFIG, VOCABULARY, createRandom(1));
  parameters.set(opinionated(parameters.values()));
  const angles = createAngleTables(CONFIG);
  const reader = createReader(CONFIG, parameters, angles, 1 << 22);
  return {
    generate: createGenerator(reader, codec, VOCABULARY),
    dispose: () => {
      for (const part of [parameters, angles, reader]) part.dispose();
    },
  };
}

/** Logits after every id of a context, by the plain model without a cache. */
export function plainLogits(parameters: ArrayLike<number>, ids: ArrayLike<number>): number[][] {
  return tf.tidy(() => {
    const weights = weightTensors(weightSpecs(CONFIG, VOCABULARY), Float32Array.from(parameters));
    const batch = { ids: tf.tensor1d(Int32Array.from(ids), 'int32'), batch: 1, length: ids.length };
    const hidden = hiddenStates(CONFIG, weights, batch, rotaryAngles(CONFIG, ids.length));
    return tf.tensor2d(tokenLogits(CONFIG, weights, hidden).dataSync(), [ids.length, VOCABULARY]).arraySync();
  });
}

export const someIds = (random: Random, length: number): Int32Array =>
  Int32Array.from({ length }, () => random.integer(VOCABULARY));

export function request(
  tokens: ArrayLike<number>,
  seed: number,
  generation?: Partial<Generation>,
): ActRequest {
  return {
    prompt: { text: '', tokens: Int32Array.from(tokens) },
    random: createRandom(seed),
    generation: { stops: ['</s>'], maxTokens: 12, ...generation },
  };
}

/** The context after an action. */
export const after = (
  { prompt }: ActRequest,
  { tokens }: SampledAction,
  more: ArrayLike<number>,
): Int32Array => Int32Array.from([...prompt.tokens!, ...tokens, ...Array.from(more)]);
