import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { installed, missing, transformersLogProbs } from '../servers.test-helper.ts';
import { textTransformerSpec } from '../text-transformer/spec.ts';

const reason = missing('skyrl/ready', 'models/ready');

describe.skipIf(reason !== undefined)(`SmolLM2-135M-Instruct (${reason ?? 'installed'})`, () => {
  it('is read whole and gives the log-probabilities of transformers', async () => {
    const options = textTransformerSpec.schema.parse({ model: installed('models', 'smollm2') });
    const assets = await textTransformerSpec.assets([], options);
    const policy = await textTransformerSpec.create({
      options,
      assets,
      backend: 'wasm',
      random: createRandom(1),
    });
    const tokens = Int32Array.from(policy.codec!.opening!('Which country borders both Peru and Brazil?'));
    const prompt = { text: '', tokens };
    const generation = { stops: ['</answer>'], maxTokens: 60 };
    const request = { prompt, random: createRandom(2), generation };
    const [action] = await policy.act([request], { temperature: 1, greedy: true });
    // It speaks of what it was asked, and ends by itself.
    expect(action!.text).toMatch(/Peru|Brazil/);
    expect(action!.cut).toBe(false);
    const more = policy.codec!.encode(
      ' 1945, <search> São Tomé </search>; the capital\n\nof Peru'.repeat(20),
    );
    const written = [...action!.tokens, ...more].slice(0, 200);
    const [expected] = transformersLogProbs(installed('models', 'smollm2'), [[...tokens, ...written]]);
    const [ours] = await policy.logProbs([{ prompt, tokens: written }], { temperature: 1 });
    policy.dispose();
    expect(ours).toHaveLength(200);
    const differences = Array.from(ours!, (one, index) =>
      Math.abs(one - expected![tokens.length - 1 + index]!),
    );
    expect(Math.max(...differences)).toBeLessThan(1e-3);
  });
});
