import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it } from 'vitest';
import { adamState, adamStep } from '../../bench/adam.ts';
import { availableBackends, loadBackend } from '../tensor/backend.ts';
import {
  hasSoftwareVulkan,
  requireSoftwareVulkanInCi,
  useSoftwareVulkan,
} from '../tensor/webgpu/software-vulkan.test-helper.ts';
import { createPolicy, request } from './letters.test-helper.ts';

requireSoftwareVulkanInCi('memory on webgpu');
if (hasSoftwareVulkan) useSoftwareVulkan();

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** A software driver takes milliseconds for every operation. */
const ROUNDS = { tensorflow: 25, wasm: 100, webgpu: 4 } as const;
const WARM = { temperature: 1 };
const present = (await availableBackends()).filter(({ problem }) => problem === undefined);

afterAll(() => loadBackend('wasm'));

interface Held {
  readonly tensors: number;
  readonly bytes: number;
  /** MiB. */
  readonly resident: number;
}

function held(): Held {
  collectGarbage();
  const { numTensors, numBytes } = tf.memory();
  return { tensors: numTensors, bytes: numBytes, resident: process.memoryUsage().rss / 2 ** 20 };
}

describe.each(present.map(({ name }) => name))('on %s', (backend) => {
  it('rollouts and updates leave nothing behind', async () => {
    await loadBackend(backend);
    const policy = await createPolicy({ backend });
    const parameters = policy.parameters();
    let adam = adamState(parameters.length);
    const iterate = async (count: number, leak = 0): Promise<void> => {
      for (let iteration = 0; iteration < count; iteration++) {
        const requests = Array.from({ length: 24 }, (_, index) => request([1, 2, 3, index % 3], index));
        const actions = await policy.act(requests, WARM);
        const records = requests.map(({ prompt }, index) => ({ prompt, tokens: actions[index]!.tokens }));
        const gradient = await policy.gradient(
          records,
          (rows) => rows.map((row) => row.map(() => -0.01)),
          WARM,
        );
        adam = adamStep(parameters, gradient, adam, { learningRate: 1e-4, epsilon: 1e-8 });
        policy.setParameters(parameters);
        for (let tensor = 0; tensor < leak; tensor++) tf.keep(tf.fill([256, 1024], 1));
      }
    };
    const rounds = ROUNDS[backend];
    await iterate(rounds);
    const before = held();
    await iterate(rounds);
    const after = held();
    expect(after.tensors).toBe(before.tensors);
    expect(after.bytes).toBe(before.bytes);
    // What the allocators of the process keep moves by some MiB.
    expect(after.resident - before.resident).toBeLessThan(24);
    // A leak of some tensors of 1 MiB per iteration is seen in all three.
    const leak = Math.ceil(100 / rounds);
    await iterate(rounds, leak);
    const leaked = held();
    expect(leaked.tensors).toBe(after.tensors + rounds * leak);
    expect(leaked.bytes).toBe(after.bytes + rounds * leak * 2 ** 20);
    expect(leaked.resident - after.resident).toBeGreaterThan(24);
    policy.dispose();
  });
});
