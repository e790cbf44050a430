import * as tf from '@tensorflow/tfjs';
import { bench, describe } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { Prompt } from '../policy.ts';
import { loadBackend } from '../tensor/backend.ts';
import { buildVocabulary } from '../vocabulary.ts';
import { SMALL_TRANSFORMER } from './config.ts';
import { createTransformerPolicy } from './index.ts';
import {
  initialParameters,
  nextTokenLosses,
  pullBack,
  rotaryAngles,
  weightSpecs,
  weightTensors,
} from './model.ts';

const random = createRandom(1);

/** Next-token training: forward, cross-entropy over 512 tokens at all positions, backward, Adam. */
async function trainingStep(batch: number, length: number): Promise<() => void> {
  await loadBackend('wasm');
  const specs = weightSpecs(SMALL_TRANSFORMER, 512);
  const parameters = initialParameters(specs, random.split('weights'));
  const [first, second] = [new Float64Array(parameters.length), new Float64Array(parameters.length)];
  const angles = rotaryAngles(SMALL_TRANSFORMER, length);
  const draw = (): tf.Tensor1D =>
    tf.tensor1d(
      Array.from({ length: batch * length }, () => random.integer(512)),
      'int32',
    );
  const [ids, targets] = [draw(), draw()];
  let weights = weightTensors(specs, parameters);
  let step = 0;
  return async () => {
    const gradient = await pullBack(
      weights,
      () => nextTokenLosses(SMALL_TRANSFORMER, weights, { ids, batch, length }, targets, angles),
      (losses) => new Float32Array(losses.length).fill(1 / losses.length),
    );
    step++;
    const [m, v] = [1 / (1 - 0.9 ** step), 1 / (1 - 0.999 ** step)];
    for (const [index, slope] of gradient.entries()) {
      first[index] = 0.9 * first[index]! + 0.1 * slope;
      second[index] = 0.999 * second[index]! + 0.001 * slope * slope;
      parameters[index]! -= (1e-3 * m * first[index]!) / (Math.sqrt(v * second[index]!) + 1e-8);
    }
    tf.dispose(weights);
    weights = weightTensors(specs, parameters);
  };
}

const words = Array.from({ length: 440 }, (_, index) => `w${String.fromCodePoint(0x4e00 + index)}`);
const say = (count: number): string =>
  Array.from({ length: count }, () => words[random.integer(words.length)]).join(' ');

/** Prompts of 80 tokens with 9 actions. */
const prompts: readonly Prompt[] = Array.from({ length: 256 }, () => ({
  text: say(43),
  actions: Array.from({ length: 9 }, () => say(3)),
}));

const reference = await trainingStep(32, 96);
const policy = await createTransformerPolicy({
  config: SMALL_TRANSFORMER,
  vocabulary: buildVocabulary([words.join(' ')]),
  random: random.split('policy'),
});
const parameters = policy.parameters();
const records = prompts.map((prompt) => ({ prompt, tokens: [2] }));

describe('transformer, 2 layers of 64', () => {
  bench('training step, 32 rows of 96 tokens, vocabulary 512', () => reference(), { warmupIterations: 10 });

  bench('distributions of 256 prompts of 80 tokens', async () => {
    policy.setParameters(parameters); // forget what was computed
    await policy.distributions(prompts, { temperature: 1 });
  });

  bench('gradient of 256 records of 80 tokens', async () => {
    await policy.gradient(records, (logProbs) => logProbs.map(() => Float64Array.of(1 / 256)), {
      temperature: 1,
    });
  });
});
