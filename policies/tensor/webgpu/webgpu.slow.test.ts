import * as tf from '@tensorflow/tfjs';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../core/random.ts';
import type { SampledAction, Sampling } from '../../policy.ts';
import { createPolicy, request, someIds, VOCABULARY } from '../../text-transformer/letters.test-helper.ts';
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

  it('brings back four numbers for every token that is written, and no logits', async () => {
    const policy = await createPolicy({ backend: 'webgpu' });
    const backend = tf.backend();
    const read = backend.read.bind(backend);
    let numbers = 0;
    backend.read = async (dataId) => {
      const values = await read(dataId);
      numbers += values.length;
      return values;
    };
    // Two that begin alike are read once and drawn from twice; the longest is read in parts.
    const contexts = [[1, 2, 3], [1, 2, 3], [4], Array.from({ length: 1500 }, (_, index) => index % 9)];
    const requests = () => contexts.map((ids, index) => request(ids, index, SHORT));
    const written = await policy.act(requests(), WARM);
    expect(numbers).toBe(4 * written.reduce((sum, { tokens }) => sum + tokens.length, 0));
    numbers = 0;
    await policy.act(requests(), { temperature: 1, topP: 0.9 });
    expect(numbers % VOCABULARY).toBe(0);
    expect(numbers).toBeGreaterThan(0);
    Reflect.deleteProperty(backend, 'read');
    policy.dispose();
  });

  it.each([WARM, { temperature: 0.7 }, { temperature: 1, greedy: true }, { temperature: 1, topP: 0.8 }])(
    'writes what wasm writes with %o',
    async (sampling) => {
      const write = async (backend: BackendName): Promise<readonly SampledAction[]> => {
        const policy = await createPolicy({ backend });
        const requests = Array.from({ length: 9 }, (_, index) => request([1, 2, index % 4], index, SHORT));
        const actions = await policy.act(requests, sampling);
        policy.dispose();
        return actions;
      };
      const [expected, found] = [await write('wasm'), await write('webgpu')];
      expect(found.map(({ tokens }) => tokens)).toEqual(expected.map(({ tokens }) => tokens));
      for (const which of ['logProbs', 'entropies'] as const) {
        const [a, b] = [expected, found].map((actions) => actions.flatMap((action) => action[which]));
        for (const [index, value] of a!.entries()) expect(Math.abs(value - b![index]!)).toBeLessThan(1e-5);
      }
    },
  );

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
