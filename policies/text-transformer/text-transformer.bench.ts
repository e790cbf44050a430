import { bench, describe } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { ActRequest, SampledAction, TokenCodec } from '../policy.ts';
import { SMALL_TRANSFORMER } from '../transformer/config.ts';
import { createTextTransformer } from './index.ts';

const VOCABULARY = 1024;
const WARM = { temperature: 1 };
const random = createRandom(1);
/** Ids as characters; the stop is never written, so that all actions have their full length. */
const codec: TokenCodec = {
  encode: (text) => Array.from(text, (character) => character.codePointAt(0)! - 0x4e00),
  decode: (ids) => String.fromCodePoint(...Array.from(ids, (id) => 0x4e00 + id)),
};
const policy = await createTextTransformer({
  config: { ...SMALL_TRANSFORMER, layers: 3 },
  codec,
  vocabularySize: VOCABULARY,
  random: random.split('weights'),
});
const parameters = policy.parameters();
const forget = (): void => policy.setParameters(parameters);
const draw = (length: number): Int32Array => Int32Array.from({ length }, () => random.integer(VOCABULARY));
const requestsFor = (contexts: readonly Int32Array[], maxTokens: number): ActRequest[] =>
  contexts.map((tokens, index) => ({
    prompt: { text: '', tokens },
    random: createRandom(index),
    generation: { stops: ['</search>'], maxTokens },
  }));
const recordsOf = (requests: readonly ActRequest[], actions: readonly SampledAction[]) =>
  requests.map(({ prompt }, index) => ({ prompt, tokens: actions[index]!.tokens }));

/** Groups of 16 on one prompt of 60 tokens, as GRPO has them. */
const prompts = Array.from({ length: 24 }, () => draw(60));
const first = requestsFor(
  prompts.flatMap((prompt) => Array.from({ length: 16 }, () => prompt)),
  30,
);
const firstActions = await policy.act(first, WARM);
const second = requestsFor(
  firstActions.map(({ tokens }, index) =>
    Int32Array.from([...first[index]!.prompt.tokens!, ...tokens, ...draw(60)]),
  ),
  30,
);
const secondActions = await policy.act(second, WARM);
const records = [...recordsOf(first, firstActions), ...recordsOf(second, secondActions)];
const again = (requests: readonly ActRequest[]): ActRequest[] =>
  requests.map((request, index) => ({ ...request, random: createRandom(index) }));
const ones = (logProbs: readonly Float64Array[]): Float64Array[] =>
  logProbs.map((row) => new Float64Array(row.length).fill(1 / logProbs.length));

describe('text-transformer, 3 layers of 64, vocabulary 1024', () => {
  for (const [count, length] of [
    [1, 60],
    [64, 60],
    [256, 60],
    [256, 360],
  ] as const) {
    const contexts = Array.from({ length: count }, () => draw(length));
    bench(`${count} different contexts of ${length} tokens, 16 tokens each, nothing cached`, async () => {
      forget();
      await policy.act(requestsFor(contexts, 16), WARM);
    });
    bench(`${count} different contexts of ${length} tokens, 16 tokens each, cached`, async () => {
      await policy.act(requestsFor(contexts, 16), WARM);
    });
  }

  bench('384 requests on 24 prompts of 60 tokens, 30 tokens each', async () => {
    forget();
    await policy.act(again(first), WARM);
  });

  bench('both turns: the same, 60 observed tokens, 30 tokens each', async () => {
    forget();
    await policy.act(again(first), WARM);
    await policy.act(again(second), WARM);
  });

  bench('log-probabilities of 384 trajectories of 180 tokens, 60 of them trained', async () => {
    await policy.logProbs(records, WARM);
  });

  bench('gradient of 384 trajectories of 180 tokens, 60 of them trained', async () => {
    await policy.gradient(records, ones, WARM);
  });

  bench('gradient of 64 of them', async () => {
    await policy.gradient([...records.slice(0, 64), ...records.slice(384, 448)], ones, WARM);
  });
});
