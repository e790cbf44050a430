import { expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { LossGradient } from '../policy.ts';
import { createTextTransformer } from './index.ts';
import { codec, someIds } from './letters.test-helper.ts';

/** One row of which all activations are 7 GiB: more than WebAssembly has. One block's are 300 MiB. */
it('gives the gradient of a row that does not fit into memory at once', async () => {
  const config = {
    ...{ modelSize: 16, layers: 24, heads: 16, kvHeads: 2, headSize: 8, ffnSize: 24 },
    ...{ rotaryBase: 10000, normEpsilon: 1e-5, initialDeviation: 0.3 },
  };
  const policy = await createTextTransformer({
    config,
    codec,
    vocabularySize: 20_000,
    random: createRandom(1),
  });
  const ids = someIds(createRandom(2), 1600);
  const record = { prompt: { text: '', tokens: ids.subarray(0, 100) }, tokens: [...ids.subarray(100)] };
  const mean: LossGradient = ([row]) => [row!.map(() => 1 / row!.length)];
  const gradient = await policy.gradient([record], mean, { temperature: 1 });
  // The change of the loss along the gradient is its length.
  const start = policy.parameters();
  const length = Math.sqrt((gradient as Float32Array).reduce((sum, one) => sum + one * one, 0));
  const loss = async (step: number): Promise<number> => {
    policy.setParameters(start.map((value, index) => value + (step * gradient[index]!) / length));
    const [row] = await policy.logProbs([record], { temperature: 1 });
    return row!.reduce((sum, one) => sum + one, 0) / row!.length;
  };
  const step = 0.003;
  const slope = ((await loss(step)) - (await loss(-step))) / (2 * step);
  expect(slope / length).toBeGreaterThan(0.98);
  expect(slope / length).toBeLessThan(1.02);
  policy.dispose();
});
