import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { SMALL_TRANSFORMER } from '../llama/config.ts';
import type { ActionRecord, LossGradient, Prompt, TrainablePolicy } from '../policy.ts';
import { createTransformerPolicy } from './index.ts';
import { buildVocabulary, PICK } from './vocabulary.ts';

const config = { ...SMALL_TRANSFORMER, modelSize: 16, heads: 2, kvHeads: 1, headSize: 8, ffnSize: 24 };
const words = 'where is the capital of rome paris oslo bern answer with move to'.split(' ');
const vocabulary = buildVocabulary([words.join(' ')], { hashBuckets: 5 });
const WARM = { temperature: 1 };

/** A small policy with weights large enough to have opinions. */
async function createPolicy(seed = 1, activationFloats = 1e9): Promise<TrainablePolicy> {
  const random = createRandom(seed);
  const policy = await createTransformerPolicy({ config, vocabulary, random, activationFloats });
  policy.setParameters(policy.parameters().map((value) => (value === 1 ? 1 : 15 * value)));
  return policy;
}

/** Prompts of many lengths, with 1 to 6 actions of 1 to 3 words. */
function somePrompts(count: number): Prompt[] {
  const random = createRandom(count);
  const say = (length: number): string =>
    Array.from({ length }, () => words[random.integer(words.length)]).join(' ');
  return Array.from({ length: count }, () => ({
    text: say(1 + random.integer(60)),
    actions: Array.from({ length: 1 + random.integer(6) }, () => say(1 + random.integer(3))),
  }));
}

const LONDON: Prompt = { text: 'Where is London?', actions: ['move to Rome', 'move to London', 'answer'] };

describe('distributions', () => {
  it('are normalised in float64, at the given temperature', async () => {
    const policy = await createPolicy();
    const [cold, warm] = await Promise.all(
      [0.5, 1].map(async (temperature) => (await policy.distributions([LONDON], { temperature }))[0]!),
    );
    for (const logProbs of [cold!, warm!]) {
      expect(logProbs.reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(1, 14);
    }
    // Halving the temperature doubles every difference.
    expect(cold![1]! - cold![0]!).toBeCloseTo(2 * (warm![1]! - warm![0]!), 12);
    expect(Math.abs(warm![1]! - warm![0]!)).toBeGreaterThan(1e-3);
    policy.dispose();
  });

  it('of a prompt are the same bits whatever else is in the batch', async () => {
    const policy = await createPolicy();
    const prompts = somePrompts(120);
    const together = await policy.distributions([...prompts, ...prompts.slice(0, 9)], WARM);
    policy.setParameters(policy.parameters()); // forget
    for (const index of [0, 17, 119]) {
      expect((await policy.distributions([prompts[index]!], WARM))[0]).toEqual(together[index]);
    }
    expect(together.slice(120)).toEqual(together.slice(0, 9));
    policy.dispose();
  });

  it('need actions', async () => {
    const policy = await createPolicy();
    await expect(policy.distributions([{ text: 'where' }], WARM)).rejects.toThrow(/lists no actions/);
    policy.dispose();
  });

  it('change with every word before the end of an action, and with no later one', async () => {
    const policy = await createPolicy();
    const ask = async (prompt: Prompt): Promise<Float64Array> =>
      (await policy.distributions([prompt], WARM))[0]!;
    const base = await ask(LONDON);
    const other = await ask({ ...LONDON, text: 'Where is Rome?' });
    const later = await ask({ ...LONDON, actions: ['move to Rome', 'move to London', 'answer Bern'] });
    expect(other[0]! - other[1]!).not.toBe(base[0]! - base[1]!);
    expect(later[0]! - later[1]!).toBeCloseTo(base[0]! - base[1]!, 14);
    expect(later[2]! - later[1]!).not.toBeCloseTo(base[2]! - base[1]!, 6);
    policy.dispose();
  });
});

describe('act', () => {
  it('draws one action per request from its own stream, with exact log-probabilities and entropies', async () => {
    const policy = await createPolicy();
    const [logProbs] = await policy.distributions([LONDON], { temperature: 0.7 });
    const requests = Array.from({ length: 300 }, (_, index) => ({
      prompt: LONDON,
      random: createRandom(index),
    }));
    const actions = await policy.act(requests, { temperature: 0.7 });
    const counts = [0, 0, 0];
    for (const action of actions) {
      const [token] = action.tokens as [number];
      counts[token]!++;
      expect(action.text).toBe(LONDON.actions![token]);
      expect(action.logProbs).toEqual([logProbs![token]]);
      expect(action.entropies[0]).toBeCloseTo(-logProbs!.reduce((sum, v) => sum + Math.exp(v) * v, 0), 14);
    }
    for (const [token, count] of counts.entries()) {
      expect(Math.abs(count / 300 - Math.exp(logProbs![token]!))).toBeLessThan(0.12);
    }
    expect(
      (
        await policy.act(
          requests.slice(7, 8).map((r) => ({ ...r, random: createRandom(7) })),
          { temperature: 0.7 },
        )
      )[0],
    ).toEqual(actions[7]);
    policy.dispose();
  });
});

describe('gradient', () => {
  const prompts = somePrompts(6);
  const records: readonly ActionRecord[] = [0, 1, 2, 3, 4, 5, 2, 2].map((which, index) => ({
    prompt: prompts[which]!,
    tokens: [index % prompts[which]!.actions!.length],
  }));
  /** Σ weight · (logProb + logProb²) and its gradients. */
  const weight = (index: number): number => Math.cos(index + 1);
  const loss = (logProbs: readonly Float64Array[]): number =>
    logProbs.reduce((sum, [value], index) => sum + weight(index) * (value! + value! * value!), 0);
  const gradients: LossGradient = (logProbs) =>
    logProbs.map(([value], index) => Float64Array.of(weight(index) * (1 + 2 * value!)));

  it('agrees with finite differences along random directions', async () => {
    const policy = await createPolicy();
    const sampling = { temperature: 0.8 };
    const start = policy.parameters();
    const gradient = Float64Array.from(await policy.gradient(records, gradients, sampling));
    expect(gradient.length).toBe(start.length);
    const random = createRandom(4);
    for (let direction = 0; direction < 6; direction++) {
      const step = Float64Array.from(start, () => 2e-3 * (random.uniform() - 0.5));
      const at = async (sign: number): Promise<number> => {
        policy.setParameters(start.map((value, index) => value + sign * step[index]!));
        return loss(await policy.logProbs(records, sampling));
      };
      const difference = ((await at(1)) - (await at(-1))) / 2;
      const expected = gradient.reduce((sum, value, index) => sum + value * step[index]!, 0);
      const scale = 1e-3 * Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0) / 3);
      expect(Math.abs(difference - expected)).toBeLessThan(0.01 * scale);
    }
    policy.dispose();
  });

  it('calls the loss once, with the log-probabilities of all records', async () => {
    const policy = await createPolicy();
    const seen: (readonly Float64Array[])[] = [];
    const watched: LossGradient = (logProbs) => {
      seen.push(logProbs);
      return gradients(logProbs);
    };
    await policy.gradient(records, watched, WARM);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toEqual(await policy.logProbs(records, WARM));
    policy.dispose();
  });

  it('is the same in parts, when activations do not fit', async () => {
    const lengthy = somePrompts(90);
    const many = lengthy.map((prompt) => ({ prompt, tokens: [0] }));
    const [whole, parts] = await Promise.all(
      [undefined, 1].map(async (activationFloats) => {
        const policy = await createPolicy(1, activationFloats);
        let calls = 0;
        const counted: LossGradient = (logProbs) => {
          calls++;
          return gradients(logProbs);
        };
        const gradient = await policy.gradient(many, counted, WARM);
        expect(calls).toBe(1);
        policy.dispose();
        return Float64Array.from(gradient);
      }),
    );
    const size = Math.sqrt(whole!.reduce((total, value) => total + value * value, 0) / whole!.length);
    expect(Math.max(...whole!.map((v, index) => Math.abs(v - parts![index]!)))).toBeLessThan(1e-4 * size);
  });

  it('is the sum of the gradients of its records', async () => {
    const policy = await createPolicy();
    const constant: LossGradient = (logProbs) => logProbs.map(() => Float64Array.of(1));
    const whole = await policy.gradient(records, constant, WARM);
    const sum = new Float64Array(whole.length);
    for (const record of records) {
      const part = await policy.gradient([record], constant, WARM);
      for (const [index, value] of part.entries()) sum[index]! += value;
    }
    const size = Math.sqrt(sum.reduce((total, value) => total + value * value, 0) / sum.length);
    expect(Math.max(...sum.map((value, index) => Math.abs(value - whole[index]!)))).toBeLessThan(1e-4 * size);
    policy.dispose();
  });

  it('is the same bits for the same call', async () => {
    const [first, second] = [await createPolicy(), await createPolicy()];
    expect(await first.gradient(records, gradients, WARM)).toEqual(
      await second.gradient(records, gradients, WARM),
    );
    first.dispose();
    second.dispose();
  });

  it('refuses tokens that are no action', async () => {
    const policy = await createPolicy();
    const record = { prompt: LONDON, tokens: [3] };
    await expect(policy.gradient([record], gradients, WARM)).rejects.toThrow(
      /not the index of one of the actions/,
    );
    await expect(policy.logProbs([{ prompt: LONDON, tokens: [0, 1] }], WARM)).rejects.toThrow(RangeError);
    policy.dispose();
  });

  it('is zero without records', async () => {
    const policy = await createPolicy();
    const gradient = await policy.gradient([], gradients, WARM);
    expect(gradient).toEqual(new Float32Array(policy.parameters().length));
    policy.dispose();
  });
});

it('learns to take one action', async () => {
  const policy = await createPolicy();
  const record = { prompt: LONDON, tokens: [1] };
  for (let step = 0; step < 30; step++) {
    const gradient = await policy.gradient([record], () => [Float64Array.of(-1)], WARM);
    policy.setParameters(policy.parameters().map((value, index) => value - 0.05 * gradient[index]!));
  }
  expect((await policy.logProbs([record], WARM))[0]![0]).toBeGreaterThan(Math.log(0.95));
  policy.dispose();
});

it('keeps no tensors from step to step, and none after dispose', async () => {
  const before = tf.memory().numTensors;
  const policy = await createPolicy();
  const prompts = somePrompts(20);
  const records = prompts.map((prompt) => ({ prompt, tokens: [0] }));
  const step = async (): Promise<number> => {
    policy.setParameters(policy.parameters());
    await policy.distributions(prompts, WARM);
    await policy.gradient(records, (logProbs) => logProbs.map(() => Float64Array.of(1)), WARM);
    return tf.memory().numTensors;
  };
  expect(await step()).toBe(await step());
  policy.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

it('reads BOS, the text, and SEP before every action', async () => {
  const policy = await createPolicy();
  const ids = Array.from(policy.promptTokens({ text: 'where is oslo', actions: ['oslo', 'paris'] }));
  expect(ids).toHaveLength(8);
  expect(ids[0]).toBe(0);
  expect([ids[4], ids[6]]).toEqual([1, 1]);
  expect(ids[5]).toBe(ids[3]);
  expect(() => policy.setParameters([1])).toThrow(/1 parameters given/);
  policy.dispose();
});

describe('features', () => {
  it('are the mean over the actions, weighted by the policy, of what their logits are read off', async () => {
    const policy = await createPolicy();
    const { modelSize } = config;
    const pick = [...policy.parameters().slice(PICK * modelSize, (PICK + 1) * modelSize)];
    const read = async (actions: readonly string[]): Promise<number> => {
      const record = { prompt: { ...LONDON, actions }, tokens: [0] };
      const { width, rows } = await policy.features([record, record], WARM);
      expect(width).toBe(modelSize);
      expect(rows[1]).toEqual(rows[0]);
      return pick.reduce((sum, weight, index) => sum + weight * rows[0]![index]!, 0);
    };
    // What comes after an action does not change its logit, so that of the first is known from reading it alone.
    const first = await read(['move to Rome']);
    const both = await read(['move to Rome', 'answer']);
    const prompt = { ...LONDON, actions: ['move to Rome', 'answer'] };
    const [logProbs] = await policy.distributions([prompt], WARM);
    const difference = logProbs![0]! - logProbs![1]!;
    expect(both).toBeCloseTo(first - Math.exp(logProbs![1]!) * difference, 4);
    expect(Math.abs(both - first)).toBeGreaterThan(1e-3);
    policy.dispose();
  });
});
