import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { ActRequest, SampledAction, TrainablePolicy } from '../policy.ts';
import { entropy, logSoftmax } from '../softmax.ts';
import {
  after,
  codec,
  createGeneratorOn,
  createPolicy,
  plainLogits,
  request,
  STOP_ID,
  someIds,
  VOCABULARY,
} from './letters.test-helper.ts';

const WARM = { temperature: 1 };
let policy: TrainablePolicy;
beforeAll(async () => {
  policy = await createPolicy();
});
afterAll(() => policy.dispose());

/** Requests of many lengths; made anew each time, because a stream is used up by drawing. */
function someRequests(count: number, maxTokens = 12): ActRequest[] {
  const random = createRandom(count);
  return Array.from({ length: count }, (_, index) =>
    request(someIds(random, 1 + random.integer(70)), index, { maxTokens }),
  );
}

const forget = (): void => policy.setParameters(policy.parameters());

describe('act', () => {
  it.each([0.7, 1, 1.9])(
    'draws from the softmax of the plain model at temperature %d',
    async (temperature) => {
      forget();
      const requests = someRequests(20);
      const actions = await policy.act(requests, { temperature });
      for (const [index, { prompt }] of requests.entries()) {
        const { tokens, logProbs, entropies } = actions[index]!;
        const logits = plainLogits(policy.parameters(), [...prompt.tokens!, ...tokens]);
        const random = createRandom(index);
        for (const [step, token] of tokens.entries()) {
          const expected = logSoftmax(logits[prompt.tokens!.length - 1 + step]!, temperature);
          expect(Math.abs(logProbs[step]! - expected[token]!)).toBeLessThan(1e-5);
          expect(Math.abs(entropies[step]! - entropy(expected))).toBeLessThan(1e-5);
          // One draw per token, from the request's own stream.
          expect(random.categorical(expected.map(Math.exp))).toBe(token);
        }
      }
    },
  );

  it('gives the same bits alone, in a batch, from an empty and from a full cache', async () => {
    const again = () => someRequests(60);
    forget();
    const together = await policy.act(again(), WARM);
    expect(await policy.act(again(), WARM)).toEqual(together);
    expect(await policy.act(again().reverse(), WARM)).toEqual([...together].reverse());
    for (const index of [0, 13, 59]) {
      forget();
      expect(await policy.act([again()[index]!], WARM)).toEqual([together[index]]);
    }
  });

  it('reads on from turn to turn with the bits of reading everything', async () => {
    const random = createRandom(9);
    forget();
    let requests = Array.from({ length: 24 }, (_, index) => request([1, 2, 3, index % 3], index));
    for (let turn = 0; turn < 4; turn++) {
      const actions = await policy.act(requests, WARM);
      requests = requests.map((old, index) => {
        const observation = someIds(random, random.integer(20));
        return request(after(old, actions[index]!, observation), 100 * turn + index);
      });
    }
    const fresh = () => requests.map(({ prompt }, index) => request(prompt.tokens!, index));
    const cached = await policy.act(fresh(), WARM);
    forget();
    expect(await policy.act(fresh(), WARM)).toEqual(cached);
  });

  it('continues a prefix as the whole action went on', async () => {
    forget();
    const requests = someRequests(12, 20);
    const actions = await policy.act(requests, WARM);
    for (const cut of [0, 1, 7, 19]) {
      const forks = requests.map(({ prompt }, index) => {
        const { tokens, logProbs, entropies } = actions[index]!;
        const [prefix, random] = [cut, createRandom(index)];
        for (let step = 0; step < Math.min(prefix, tokens.length); step++) random.uniform();
        const part = <T>(list: readonly T[]): readonly T[] => list.slice(0, prefix);
        return {
          ...request(prompt.tokens!, 0, {
            maxTokens: 20,
            prefix: { tokens: part(tokens), logProbs: part(logProbs), entropies: part(entropies) },
          }),
          random,
        };
      });
      expect(await policy.act(forks, WARM)).toEqual(actions);
    }
  });

  it('copies what the prefix says, and draws nothing for it', async () => {
    const prefix = { tokens: [3, 4], logProbs: [-0.5, -0.25], entropies: [7, 8] };
    const [action] = await policy.act([request([1], 5, { maxTokens: 2, prefix })], WARM);
    expect(action).toEqual({ text: 'de', ...prefix, cut: true });
    const ended = { tokens: [3, STOP_ID], logProbs: [0, 0], entropies: [0, 0] };
    const [done] = await policy.act([request([1], 5, { maxTokens: 9, prefix: ended })], WARM);
    expect(done).toEqual({ text: 'd</s>', ...ended, cut: false });
  });

  it('stops where the text has a stop, however it is divided into tokens', async () => {
    forget();
    const requests = (): ActRequest[] =>
      Array.from({ length: 200 }, (_, i) => request([i % 7], i, { stops: ['</s>', 'ab'], maxTokens: 40 }));
    const actions = await policy.act(requests(), { temperature: 2 });
    const endings = new Set<string>();
    for (const { text, tokens, cut } of actions) {
      expect(text).toBe(codec.decode(tokens));
      const has = (part: string): boolean => part.includes('</s>') || part.includes('ab');
      expect(has(codec.decode(tokens.slice(0, -1)))).toBe(false);
      expect(has(text)).toBe(!cut);
      if (cut) expect(tokens).toHaveLength(40);
      else endings.add(tokens.at(-1) === STOP_ID ? 'one token' : 'several');
    }
    expect(endings).toEqual(new Set(['one token', 'several']));
    expect(actions.some(({ cut }) => cut)).toBe(true);
  });

  it('greedy takes the most likely token and draws nothing', async () => {
    forget();
    const untouched = { ...createRandom(1), categorical: () => expect.fail('drew') };
    const requests = someRequests(10).map((old) => ({ ...old, random: untouched }));
    const actions = await policy.act(requests, { temperature: 0.5, greedy: true });
    for (const [index, { prompt }] of requests.entries()) {
      const { tokens, logProbs } = actions[index]!;
      const logits = plainLogits(policy.parameters(), [...prompt.tokens!, ...tokens]);
      for (const [step, token] of tokens.entries()) {
        const row = logits[prompt.tokens!.length - 1 + step]!;
        expect(row[token]).toBeCloseTo(Math.max(...row), 4);
        expect(logProbs[step]).toBeCloseTo(logSoftmax(row, 0.5)[token]!, 4);
      }
    }
  });

  it('with topP draws from the nucleus alone', async () => {
    forget();
    const requests = someRequests(30);
    const sampling = { temperature: 1.5, topP: 0.6 };
    const actions = await policy.act(requests, sampling);
    const everything = await policy.act(someRequests(30), { temperature: 1.5 });
    expect(actions).not.toEqual(everything);
    for (const [index, { prompt }] of requests.entries()) {
      const { tokens, logProbs, entropies } = actions[index]!;
      const logits = plainLogits(policy.parameters(), [...prompt.tokens!, ...tokens]);
      for (const [step, token] of tokens.entries()) {
        const all = logSoftmax(logits[prompt.tokens!.length - 1 + step]!, 1.5);
        const above = all
          .filter((value) => value > all[token]!)
          .reduce((sum, value) => sum + Math.exp(value), 0);
        expect(above).toBeLessThan(0.6);
        expect(logProbs[step]).toBeGreaterThanOrEqual(all[token]!);
        expect(entropies[step]).toBeLessThanOrEqual(entropy(all));
      }
    }
  });

  it('gives the same bits from a cache too small for the batch', async () => {
    const small = await createPolicy({ cacheFloats: 1 });
    const medium = await createPolicy({ cacheFloats: 40_000 });
    forget();
    for (const round of [1, 2]) {
      const expected = await policy.act(someRequests(40 * round), WARM);
      expect(await small.act(someRequests(40 * round), WARM)).toEqual(expected);
      expect(await medium.act(someRequests(40 * round), WARM)).toEqual(expected);
    }
    // A page per slab: what one request needs.
    const before = tf.memory().numTensors;
    small.dispose();
    expect(before - tf.memory().numTensors).toBeLessThan(40);
    medium.dispose();
  });

  it('forgets the cache with the parameters', async () => {
    const other = await createPolicy();
    const changed = policy.parameters().map((value, index) => value * (1 + 0.3 * Math.sin(index)));
    await other.act(someRequests(10), WARM);
    other.setParameters(changed);
    const now = await other.act(someRequests(10), WARM);
    const fresh = await createPolicy();
    fresh.setParameters(changed);
    expect(now).toEqual(await fresh.act(someRequests(10), WARM));
    expect(now).not.toEqual(await policy.act(someRequests(10), WARM));
    for (const one of [other, fresh]) one.dispose();
  });

  it('goes on after a failure in the middle', async () => {
    forget();
    const expected = await policy.act(someRequests(6), WARM);
    forget();
    let draws = 0;
    const failing = {
      ...createRandom(1),
      categorical: () => {
        if (++draws === 5) throw new Error('no more uniforms');
        return 2;
      },
    };
    const broken = someRequests(6).map((old) => ({ ...old, random: failing }));
    await expect(policy.act(broken, WARM)).rejects.toThrow('no more uniforms');
    // What was in use is not any more: nothing piles up.
    const small = await createPolicy({ cacheFloats: 1 });
    const fail = () => small.act([{ ...request([1, 2, 3], 1), random: failing }], WARM);
    const sizes: number[] = [];
    for (let round = 0; round < 3; round++) {
      draws = 0;
      await expect(fail()).rejects.toThrow('no more uniforms');
      sizes.push(tf.memory().numTensors);
    }
    expect(sizes).toEqual([sizes[0], sizes[0], sizes[0]]);
    small.dispose();
    expect(await policy.act(someRequests(6), WARM)).toEqual(expected);
  });

  it('refuses what it cannot write', async () => {
    const act = (change: Partial<ActRequest>, sampling = WARM) =>
      policy.act([{ ...request([1], 1), ...change }], sampling);
    await expect(
      policy.act([{ prompt: { text: '', tokens: Int32Array.of(1) }, random: createRandom(1) }], WARM),
    ).rejects.toThrow(/no generation/);
    await expect(act({ prompt: { text: 'a' } })).rejects.toThrow(/no tokens/);
    await expect(act({ prompt: { text: 'a', tokens: Int32Array.of(VOCABULARY) } })).rejects.toThrow(
      /token 0 is 32, not an id from 0 to 31/,
    );
    await expect(act({ generation: { stops: ['a'], maxTokens: 0 } })).rejects.toThrow(/maxTokens.*got 0/);
    await expect(act({ generation: { stops: [''], maxTokens: 1 } })).rejects.toThrow(/stops/);
    const prefix = { tokens: [1, 2], logProbs: [0, 0], entropies: [0, 0] };
    await expect(act({ generation: { stops: ['a'], maxTokens: 1, prefix } })).rejects.toThrow(/prefix of 2/);
    await expect(act({}, { temperature: 0 })).rejects.toThrow(/temperature/);
    await expect(policy.act([request([1], 1)], { temperature: 1, topP: 0 })).rejects.toThrow(/topP/);
    await expect(policy.distributions([], WARM)).rejects.toThrow(/no listed actions/);
    expect(() => policy.promptTokens({ text: 'a' })).toThrow(/no tokens/);
    expect(policy.promptTokens({ text: 'a', tokens: Int32Array.of(4, 5) })).toEqual(Int32Array.of(4, 5));
  });
});

it('drawn where the logits are, by plain operations, actions are the same', async () => {
  // As where TensorFlow has a GPU: `wasm` itself draws in float64.
  const backend = tf.backend() as { isUsingGpuDevice?: boolean };
  for (const sampling of [WARM, { temperature: 0.8 }, { temperature: 1, greedy: true }]) {
    const expected = await policy.act(someRequests(20), sampling);
    backend.isUsingGpuDevice = true;
    const found = await policy.act(someRequests(20), sampling);
    delete backend.isUsingGpuDevice;
    let differs = false;
    for (const [index, { tokens, logProbs, entropies }] of found.entries()) {
      expect(tokens).toEqual(expected[index]!.tokens);
      for (const [step, value] of logProbs.entries()) {
        expect(Math.abs(value - expected[index]!.logProbs[step]!)).toBeLessThan(1e-5);
        expect(Math.abs(entropies[step]! - expected[index]!.entropies[step]!)).toBeLessThan(1e-5);
        differs ||= value !== expected[index]!.logProbs[step];
      }
    }
    // It was float32 indeed.
    expect(differs).toBe(true);
  }
});

it('plain operations write the same actions', async () => {
  const write = async (backend: string): Promise<readonly SampledAction[][]> => {
    const { generate, dispose } = await createGeneratorOn(backend);
    const counts: number[] = [];
    const turns: SampledAction[][] = [];
    let requests = Array.from({ length: 5 }, (_, index) => request([9, 8, 7, index % 2], index));
    for (let turn = 0; turn < 3; turn++) {
      const actions = [...(await generate(requests, WARM))];
      turns.push(actions);
      requests = requests.map((old, index) => request(after(old, actions[index]!, [1, 2, turn]), index));
      counts.push(tf.memory().numTensors);
    }
    expect(counts).toEqual([counts[0], counts[0], counts[0]]);
    dispose();
    return turns;
  };
  const [fused, plain] = [(await write('wasm')).flat(), (await write('cpu')).flat()];
  await tf.setBackend('wasm');
  for (const [index, { tokens, logProbs }] of plain.entries()) {
    expect(tokens).toEqual(fused[index]!.tokens);
    for (const [step, value] of logProbs.entries()) {
      expect(Math.abs(value - fused[index]!.logProbs[step]!)).toBeLessThan(1e-5);
    }
  }
});

it('keeps no tensors from call to call, and none after dispose', async () => {
  const before = tf.memory().numTensors;
  const own = await createPolicy();
  const step = async (): Promise<number> => {
    own.setParameters(own.parameters());
    const requests = someRequests(20);
    const actions = await own.act(requests, WARM);
    const records = requests.map(({ prompt }, index) => ({ prompt, tokens: actions[index]!.tokens }));
    await own.gradient(records, (values) => values.map((row) => row.map(() => 1)), WARM);
    return tf.memory().numTensors;
  };
  expect(await step()).toBe(await step());
  own.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

describe('log-probabilities under other weights', () => {
  /** Floats that the model's kernels put out while it acts. */
  const work = async (): Promise<number> => {
    const { kernels } = await tf.profile(async () => {
      await policy.act(someRequests(8), WARM);
      return tf.scalar(0);
    });
    return kernels
      .flatMap(({ outputShapes }) => outputShapes)
      .reduce((sum, shape) => sum + (shape ?? []).reduce((a, b) => a * b, 1), 0);
  };

  it('are those of a policy with these weights, and leave weights and cache as they were', async () => {
    const records = someRequests(8).map(({ prompt }) => ({ prompt, tokens: [3, 1] }));
    const own = policy.parameters();
    const other = Float32Array.from(own, (value) => value * 1.1);
    policy.setParameters(other);
    const expected = await policy.logProbs(records, WARM);
    policy.setParameters(own);

    const fresh = await work();
    const warm = await work();
    expect(warm).toBeLessThan(fresh / 2);
    expect(await policy.logProbsUnder!(other, records, WARM)).toEqual(expected);
    expect(policy.parameters()).toEqual(own);
    expect(await work()).toBe(warm);
    // What they would cost otherwise: everything is read again.
    policy.setParameters(own);
    expect(await work()).toBe(fresh);
  });

  it('leave the weights as they were when they fail', async () => {
    const own = policy.parameters();
    const broken = [{ prompt: { text: '' }, tokens: [1] }];
    await expect(
      policy.logProbsUnder!(
        own.map((value) => -value),
        broken,
        WARM,
      ),
    ).rejects.toThrow();
    expect(policy.parameters()).toEqual(own);
  });
});
