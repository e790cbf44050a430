import type { Environment, Task } from '../envs/environment.ts';
import type { Policy, SampledAction, TokenCodec } from '../policies/policy.ts';

/** One id per character. */
export const characters: TokenCodec = {
  encode: (text) => [...text].map((character) => character.codePointAt(0)!),
  decode: (ids) => String.fromCodePoint(...Array.from(ids)),
};

/**
 * Writes letters a and b with probabilities 0.75 and 0.25, and an action ends with its first b. A stand-in for
 * a language model: the same interface, numbers that can be checked by hand.
 */
export const abPolicy: Policy = {
  id: 'ab',
  codec: characters,
  act: async (requests) =>
    requests.map(({ random, generation }): SampledAction => {
      const { prefix, maxTokens, stops } = generation!;
      const tokens = [...(prefix?.tokens ?? [])];
      const logProbs = [...(prefix?.logProbs ?? [])];
      const entropies = [...(prefix?.entropies ?? [])];
      const text = (): string => characters.decode(tokens);
      while (tokens.length < maxTokens && !stops.some((stop) => text().includes(stop))) {
        const letter = random.categorical([0.75, 0.25]);
        tokens.push('ab'.charCodeAt(letter));
        logProbs.push(Math.log(letter === 0 ? 0.75 : 0.25));
        entropies.push(-0.75 * Math.log(0.75) - 0.25 * Math.log(0.25));
      }
      return { text: text(), tokens, logProbs, entropies, cut: !text().includes('b') };
    }),
  distributions: async () => [],
  logProbs: async (records) =>
    records.map(({ tokens }) =>
      Float64Array.from(tokens, (token) =>
        token === 97 ? Math.log(0.75) : token === 98 ? Math.log(0.25) : Number.NEGATIVE_INFINITY,
      ),
    ),
  promptTokens: ({ tokens }) => tokens!,
};

/** Actions are free text; the state is the list of actions, the observation counts the last one's letters. */
export const counting = (turns: number): Environment<readonly string[]> => ({
  id: 'counting/v1',
  markov: false,
  rewardRange: [0, 100],
  text: { stops: ['b'], maxActionTokens: 6, maxObservationTokens: 3 },
  reset: () => [],
  observe: (state) =>
    state.length === 0 ? { text: 'prompt:' } : { text: '#'.repeat(state.at(-1)!.length), closing: '|' },
  step: (state, action) => ({
    state: [...state, action],
    reward: action.length,
    terminated: action === 'b',
    truncated: action !== 'b' && state.length + 1 === turns,
  }),
  answer: (state) => state.join(),
});

export const textTask = (id: string): Task => ({ id, question: id, answers: ['x'], kind: 'k', hops: 1 });
