import { adamState, adamStep, clipNorm } from '../bench/training/learners/adam.ts';
import { createRandom } from '../core/random.ts';
import type { TransformerConfig } from '../policies/llama/config.ts';
import type { ActionRecord, ActRequest, TrainablePolicy } from '../policies/policy.ts';
import { createTextTransformer } from '../policies/text-transformer/index.ts';
import type { SpeedCase, SpeedContext } from './case.ts';
import { characters, LARGE, SMALL, VOCABULARY } from './shapes.ts';

const WARM = { temperature: 1 };

const createPolicy = (config: TransformerConfig, { backend }: SpeedContext): Promise<TrainablePolicy> =>
  createTextTransformer({
    config,
    codec: characters,
    vocabularySize: VOCABULARY,
    backend,
    random: createRandom(1),
  });

/** Sequences of random ids: no two begin alike, so nothing can be shared. */
function sequences(batch: number, length: number): Int32Array[] {
  const random = createRandom(2).split(batch, length);
  return Array.from({ length: batch }, () => Int32Array.from({ length }, () => random.integer(VOCABULARY)));
}

/** Forward, loss at every position, backward, clipping, Adam, new weights: what an update does. */
function trainStep(
  name: string,
  config: TransformerConfig,
  batch: number,
  length: number,
  runs: number,
): SpeedCase {
  return {
    id: `train-step/${name}`,
    title: `train step, ${name}: ${config.layers} x ${config.modelSize}, ${batch} rows of ${length}`,
    work: { amount: batch * length, unit: 'tokens' },
    tensors: true,
    runs,
    prepare: async (context) => {
      const policy = await createPolicy(config, context);
      const records = sequences(batch, length).map(
        (ids): ActionRecord => ({ prompt: { text: '', tokens: ids.slice(0, 1) }, tokens: [...ids.slice(1)] }),
      );
      const parameters = policy.parameters();
      let adam = adamState(parameters.length);
      let gradient: Float32Array | Float64Array | undefined;
      return {
        run: async () => {
          gradient = await policy.gradient(
            records,
            (logProbs) => logProbs.map((row) => new Float64Array(row.length).fill(-1 / 1000)),
            WARM,
            gradient,
          );
          clipNorm(gradient, 1);
          adam = adamStep(parameters, gradient, adam, { learningRate: 1e-4, epsilon: 1e-8 });
          policy.setParameters(parameters);
          return undefined;
        },
        torch: { kind: 'train-step', config, vocabulary: VOCABULARY, batch, length },
        dispose: () => policy.dispose(),
      };
    },
  };
}

/** Reads contexts and writes after each, one token per step for all at once. */
function decode(
  name: string,
  config: TransformerConfig,
  [batch, length, tokens]: readonly [batch: number, length: number, tokens: number],
  runs: number,
): SpeedCase {
  return {
    id: `decode/${name}-${batch}-${length}`,
    title: `decode, ${name}: ${batch} contexts of ${length}, ${tokens} tokens after each`,
    work: { amount: batch * tokens, unit: 'tokens' },
    tensors: true,
    runs,
    prepare: async (context) => {
      const policy = await createPolicy(config, context);
      const parameters = policy.parameters();
      const contexts = sequences(batch, length);
      const requests = (): ActRequest[] =>
        contexts.map((ids, index) => ({
          prompt: { text: '', tokens: ids },
          random: createRandom(index),
          generation: { stops: [], maxTokens: tokens },
        }));
      return {
        // Forgets what was read.
        before: () => policy.setParameters(parameters),
        run: async () => {
          await policy.act(requests(), WARM);
          return undefined;
        },
        torch: { kind: 'decode', config, vocabulary: VOCABULARY, batch, length, tokens },
        dispose: () => policy.dispose(),
      };
    },
  };
}

/** The model alone, by shape. */
export const MODEL_CASES: readonly SpeedCase[] = [
  trainStep('small', SMALL, 32, 96, 10),
  trainStep('small-8', SMALL, 8, 96, 10),
  trainStep('small-128', SMALL, 128, 96, 5),
  trainStep('small-long', SMALL, 8, 384, 5),
  trainStep('large', LARGE, 8, 96, 3),
  decode('small', SMALL, [1, 240, 32], 10),
  decode('small', SMALL, [16, 240, 32], 5),
  decode('small', SMALL, [64, 60, 32], 5),
  decode('small', SMALL, [64, 240, 32], 5),
  decode('small', SMALL, [64, 480, 32], 3),
  decode('small', SMALL, [256, 240, 32], 3),
  decode('large', LARGE, [16, 60, 16], 3),
];
