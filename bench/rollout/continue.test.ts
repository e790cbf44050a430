import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { keyDoor } from '../../envs/diagnostic/key-door.ts';
import { greedy } from '../../policies/enumerable.ts';
import type { Policy } from '../../policies/policy.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { abPolicy, characters, counting } from '../text.test-helper.ts';
import { readPrompt } from './context.ts';
import { continueEpisodes } from './continue.ts';

const sampling = { temperature: 1 };

describe('continueEpisodes', () => {
  it('reads contexts of ids: what was read, what was written as sampled, what came back', async () => {
    const environment = counting(3);
    const read: string[] = [];
    const policy: Policy = {
      ...abPolicy,
      act: async (requests, how) => {
        read.push(...requests.map(({ prompt }) => characters.decode(prompt.tokens!)));
        return (await abPolicy.act(requests, how)).map((action) => ({
          ...{ ...action, text: 'aab' },
          tokens: characters.encode('aab'),
        }));
      },
    };
    const state = environment.reset({} as never);
    const [one] = await continueEpisodes({
      ...{ environment, policy, sampling },
      beginnings: [
        {
          ...{ question: 'q', state, prompt: readPrompt(environment, policy, state, undefined) },
          action: { text: 'ab', tokens: characters.encode('ab') },
          random: createRandom(0),
        },
      ],
    });
    expect(read).toEqual(['prompt:ab##|', 'prompt:ab##|aab###|']);
    // The first action was given: its letters pay, and were not drawn.
    expect(one).toEqual({ return: 8, tokens: 6 });
  });

  it('goes on from the middle, pays what is to come, and lets another act later', async () => {
    const environment = keyDoor({ length: 2 });
    const initial = (_: unknown, action: number): number => [1, 0][action]!;
    const policy = createTabularPolicy({ initial });
    const random = createRandom(1);
    const begin = (state: { turn: number; key: boolean }, index: number) => {
      const prompt = readPrompt(environment, policy, state, undefined);
      return { question: 'q', state, prompt, random: random.split(index) };
    };
    const play = (later: Policy) =>
      continueEpisodes({
        ...{ environment, policy, later, sampling },
        beginnings: [
          begin({ turn: 1, key: true }, 0),
          begin({ turn: 2, key: false }, 1),
          { ...begin({ turn: 0, key: false }, 2), action: { text: 'take the key', tokens: [0] } },
        ],
      });
    expect(await play(greedy(policy))).toEqual([
      { return: 1, tokens: 2 },
      { return: 0, tokens: 1 },
      { return: 1, tokens: 2 },
    ]);
    expect(await play(policy)).toEqual(await play(policy));
  });

  it('stops when the signal says so', async () => {
    const environment = keyDoor();
    const policy = createTabularPolicy();
    const state = environment.reset({} as never);
    const prompt = readPrompt(environment, policy, state, undefined);
    const beginnings = [{ question: 'q', state, prompt, random: createRandom(0) }];
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(continueEpisodes({ environment, policy, sampling, beginnings, signal })).rejects.toThrow(
      'enough',
    );
  });
});
