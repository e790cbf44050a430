import type { ActRequest, Policy, Prompt, SampledAction } from './policy.ts';
import { entropy } from './softmax.ts';

/** Draws one action per request from distributions over `prompt.actions`: one `categorical` each. */
export function sampleActions(
  requests: readonly ActRequest[],
  distributions: readonly Float64Array[],
): readonly SampledAction[] {
  return requests.map(({ prompt, random }, index) => {
    const logProbs = distributions[index]!;
    return chosen(prompt, random.categorical(logProbs.map(Math.exp)), logProbs);
  });
}

/** The same policy, always taking the most likely action or token (the first of equals). Draws nothing. */
export function greedy(policy: Policy): Policy {
  if (policy.codec !== undefined) {
    return { ...policy, act: (requests, sampling) => policy.act(requests, { ...sampling, greedy: true }) };
  }
  return {
    ...policy,
    act: async (requests, sampling) => {
      const distributions = await policy.distributions(
        requests.map((request) => request.prompt),
        sampling,
      );
      return requests.map(({ prompt }, index) => {
        const logProbs = distributions[index]!;
        return chosen(prompt, logProbs.indexOf(Math.max(...logProbs)), logProbs);
      });
    },
  };
}

function chosen(prompt: Prompt, token: number, logProbs: Float64Array): SampledAction {
  return {
    text: prompt.actions![token]!,
    tokens: [token],
    logProbs: [logProbs[token]!],
    entropies: [entropy(logProbs)],
  };
}
