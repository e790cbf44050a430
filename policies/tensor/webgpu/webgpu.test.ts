import * as tf from '@tensorflow/tfjs';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../core/random.ts';
import type { ActionRecord, SampledAction, Sampling, TrainablePolicy } from '../../policy.ts';
import { createPolicy, request, someIds } from '../../text-transformer/letters.test-helper.ts';
import { SMALL_TRANSFORMER } from '../../transformer/config.ts';
import { createTransformerPolicy } from '../../transformer/index.ts';
import { buildVocabulary } from '../../vocabulary.ts';
import { type BackendName, loadBackend } from '../backend.ts';
import { CASES, distance, evaluate } from '../cases.test-helper.ts';
import {
  hasSoftwareVulkan,
  requireSoftwareVulkanInCi,
  useSoftwareVulkan,
} from './software-vulkan.test-helper.ts';

/** Software drivers take milliseconds for every operation. */
const SHORT = { maxTokens: 4 };
const WARM: Sampling = { temperature: 1 };

requireSoftwareVulkanInCi('webgpu against wasm');

describe.skipIf(!hasSoftwareVulkan)('webgpu on a software driver', () => {
  beforeAll(useSoftwareVulkan);

  describe('has the operations of wasm and their gradients', () => {
    const wasm: (readonly Float32Array[])[] = [];
    const webgpu: (readonly Float32Array[])[] = [];
    /** Programs whose threads add to the same number, in any order. */
    const atomic: string[] = [];
    beforeAll(async () => {
      await loadBackend('wasm');
      for (const operation of CASES) wasm.push(await evaluate(operation));
      await loadBackend('webgpu');
      const backend = tf.backend() as WebGPUBackend;
      const run = backend.runWebGPUProgram.bind(backend);
      backend.runWebGPUProgram = (program, ...rest) => {
        if (program.atomic) atomic.push(program.shaderKey);
        return run(program, ...rest);
      };
      for (const operation of CASES) webgpu.push(await evaluate(operation));
      Reflect.deleteProperty(backend, 'runWebGPUProgram');
    });

    it.each(CASES.map(({ name }, index) => ({ name, index })))('$name', ({ index }) => {
      expect(webgpu[index]).toHaveLength(wasm[index]!.length);
      for (const [part, expected] of wasm[index]!.entries()) {
        expect(distance(webgpu[index]![part]!, expected)).toBeLessThan(1e-5);
      }
    });

    it('all sums are in a fixed order', () => {
      expect(atomic).toEqual([]);
    });
  });

  it('says that numbers are on the GPU instead of looking for a canvas', async () => {
    await loadBackend('webgpu');
    const sum = tf.add(tf.ones([2000]), 1);
    expect(() => sum.dataSync()).toThrow(/await tensor.data\(\)/);
    expect((await sum.data())[1999]).toBe(2);
    expect(sum.dataSync()[1999]).toBe(2);
    sum.dispose();
  });

  /** What a policy says and learns, on a backend. */
  interface Said {
    readonly actions: readonly SampledAction[];
    readonly logProbs: readonly Float64Array[];
    readonly gradient: Float32Array;
  }

  async function say(
    policy: TrainablePolicy,
    requests: Parameters<TrainablePolicy['act']>[0],
    sampling: Sampling,
  ): Promise<Said> {
    const actions = await policy.act(requests, sampling);
    const records: ActionRecord[] = requests.map(({ prompt }, index) => ({
      prompt,
      tokens: actions[index]!.tokens,
    }));
    const logProbs = await policy.logProbs(records, sampling);
    const slopes = (rows: readonly Float64Array[]) =>
      rows.map((row, index) => row.map((_, token) => Math.sin(index + token + 1)));
    const gradient = await policy.gradient(records, slopes, sampling);
    policy.dispose();
    return { actions, logProbs, gradient: Float32Array.from(gradient) };
  }

  function expectClose(actual: Said, expected: Said): void {
    for (const [index, { tokens, logProbs }] of expected.actions.entries()) {
      expect(actual.actions[index]!.tokens).toEqual(tokens);
      for (const [step, value] of logProbs.entries()) {
        expect(Math.abs(actual.actions[index]!.logProbs[step]! - value)).toBeLessThan(1e-4);
        expect(Math.abs(actual.logProbs[index]![step]! - value)).toBeLessThan(1e-4);
      }
    }
    expect(Math.max(...expected.gradient.map(Math.abs))).toBeGreaterThan(0.01);
    expect(distance(actual.gradient, expected.gradient)).toBeLessThan(1e-4);
  }

  it.each([WARM, { temperature: 0.7, topP: 0.9 }])(
    'writes and learns text as wasm does, %o',
    async (sampling) => {
      const write = async (backend: BackendName): Promise<Said> => {
        const random = createRandom(5);
        const contexts = Array.from({ length: 3 }, () => someIds(random, 1 + random.integer(40)));
        const policy = await createPolicy({ backend });
        // Equal contexts fork, and a second turn goes on from the pages of the first.
        const requests = contexts.flatMap((ids, index) => [
          request(ids, index, SHORT),
          request(ids, index + 50, SHORT),
        ]);
        const first = await policy.act(requests, sampling);
        const second = requests.map(({ prompt }, index) =>
          request([...prompt.tokens!, ...first[index]!.tokens, 3, 1, 4], index, SHORT),
        );
        return say(policy, second, sampling);
      };
      expectClose(await write('webgpu'), await write('wasm'));
    },
  );

  it('chooses and learns actions as wasm does', async () => {
    const config = { ...SMALL_TRANSFORMER, modelSize: 16, heads: 2, kvHeads: 1, headSize: 8, ffnSize: 24 };
    const words = 'where is the capital of rome paris oslo bern answer with move to'.split(' ');
    const vocabulary = buildVocabulary([words.join(' ')], { hashBuckets: 5 });
    const choose = async (backend: BackendName): Promise<Said> => {
      const random = createRandom(2);
      const phrase = () => words.filter(() => random.uniform() < 0.4).join(' ');
      const policy = await createTransformerPolicy({ config, vocabulary, backend, random: createRandom(1) });
      policy.setParameters(policy.parameters().map((value) => (value === 1 ? 1 : 15 * value)));
      const requests = Array.from({ length: 12 }, (_, index) => ({
        prompt: { text: phrase(), actions: [`move to ${phrase()}`, 'answer rome', 'answer'] },
        random: createRandom(index),
      }));
      return say(policy, requests, WARM);
    };
    expectClose(await choose('webgpu'), await choose('wasm'));
  });

  it('uses no more memory with every iteration', async () => {
    const policy = await createPolicy({ backend: 'webgpu' });
    const random = createRandom(9);
    const iterate = async (): Promise<readonly [tensors: number, used: number, allocated: number]> => {
      policy.setParameters(policy.parameters());
      const requests = Array.from({ length: 3 }, (_, index) =>
        request(someIds(random, 10 + random.integer(20)), index, SHORT),
      );
      const actions = await policy.act(requests, WARM);
      const records = requests.map(({ prompt }, index) => ({ prompt, tokens: actions[index]!.tokens }));
      await policy.gradient(records, (rows) => rows.map((row) => row.map(() => 1)), WARM);
      const memory = tf.memory() as ReturnType<WebGPUBackend['memory']> & { numTensors: number };
      return [memory.numTensors, memory.numBytesInGPU, memory.numBytesAllocatedInGPU];
    };
    await iterate();
    const [tensors, used] = await iterate();
    for (let iteration = 0; iteration < 4; iteration++) {
      const [tensorsNow, usedNow, allocated] = await iterate();
      expect(tensorsNow).toBe(tensors);
      expect(Math.abs(usedNow - used)).toBeLessThan(1 << 20);
      expect(allocated - usedNow).toBeLessThan(2 ** 28 + 2 ** 26);
    }
    policy.dispose();
  });
});
