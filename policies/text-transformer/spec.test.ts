import { expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { textTransformerSpec } from './spec.ts';

it('makes a policy that reads and writes the text of its tokenizer', async () => {
  const options = textTransformerSpec.schema.parse({ vocabularySize: 284, modelSize: 16, ffnSize: 24 });
  expect(options).toMatchObject({ layers: 3, heads: 4, kvHeads: 2, headSize: 16, vocabularySize: 284 });
  const texts = ['Who wrote it? <search> who wrote it </search> she wrote it', 'she sells sea shells'];
  const assets = JSON.parse(JSON.stringify(await textTransformerSpec.assets(texts, options)));
  const policy = await textTransformerSpec.create({
    options,
    assets,
    backend: 'wasm',
    random: createRandom(1),
  });
  const { codec } = policy;
  const tokens = Int32Array.from(codec!.encode('<|begin|>Who wrote it? <search>'));
  expect(codec!.decode(tokens)).toContain('Who wrote it?');
  // Special tokens are one id each.
  expect(codec!.encode('<search>')).toHaveLength(1);
  const [action] = await policy.act(
    [
      {
        prompt: { text: '', tokens },
        random: createRandom(2),
        generation: { stops: ['</search>'], maxTokens: 8 },
      },
    ],
    { temperature: 1 },
  );
  expect(action!.text).toBe(codec!.decode(action!.tokens));
  const fresh = await textTransformerSpec.create({
    options,
    assets,
    backend: 'wasm',
    random: createRandom(3),
  });
  fresh.setParameters(policy.parameters());
  const record = { prompt: { text: '', tokens }, tokens: action!.tokens };
  expect(await fresh.logProbs([record], { temperature: 1 })).toEqual(
    await policy.logProbs([record], { temperature: 1 }),
  );
  for (const one of [policy, fresh]) one.dispose();
});

it('refuses sizes that do not fit', () => {
  expect(textTransformerSpec.schema.safeParse({ kvHeads: 3 }).success).toBe(false);
  expect(textTransformerSpec.schema.safeParse({ vocabularySize: 1022 }).success).toBe(false);
});
