import { expect } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { mean } from '../../core/statistics.ts';
import type { ActionRecord, OwnedPolicy, SampledAction } from '../policy.ts';
import { transformersLogProbs } from '../servers.test-helper.ts';

const TEXTS = [
  'Name a city in France and say why people travel there.',
  'Write a short poem about rain.',
  'Who wrote Hamlet?',
  'What is 3 + 4?',
];

/** Actions of about `tokens` tokens in all, sampled at temperature 1, and what they were asked. */
export async function sample(
  policy: OwnedPolicy,
  tokens: number,
): Promise<{ readonly actions: readonly SampledAction[]; readonly records: readonly ActionRecord[] }> {
  const random = createRandom(1).split('servers test');
  const requests = TEXTS.map((text, index) => ({
    prompt: { text, tokens: Int32Array.from(policy.codec!.opening!(text)) },
    random: random.split(index),
    generation: { stops: ['</answer>'], maxTokens: tokens / TEXTS.length },
  }));
  const actions = await policy.act(requests, { temperature: 1 });
  return {
    actions,
    records: actions.map((action, index) => ({ prompt: requests[index]!.prompt, tokens: action.tokens })),
  };
}

/** Distances of sampled log-probabilities to those of `transformers`: the greatest, the mean one, and with their signs. */
export async function distance(
  model: string,
  { actions, records }: Awaited<ReturnType<typeof sample>>,
): Promise<{ readonly tokens: number; readonly most: number; readonly mean: number; readonly bias: number }> {
  const exact = transformersLogProbs(
    model,
    records.map(({ prompt, tokens }) => [...prompt.tokens!, ...tokens]),
  );
  const distances = actions.flatMap(({ logProbs }, index) => {
    const start = records[index]!.prompt.tokens!.length - 1;
    return logProbs.map((value, t) => value - exact[index]![start + t]!);
  });
  expect(distances.every(Number.isFinite)).toBe(true);
  const sizes = distances.map(Math.abs);
  return {
    tokens: distances.length,
    most: Math.max(...sizes),
    mean: mean(sizes),
    bias: mean(distances),
  };
}
