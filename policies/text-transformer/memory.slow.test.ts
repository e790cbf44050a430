import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it } from 'vitest';
import { adamState, adamStep } from '../../bench/training/learners/adam.ts';
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
/** Iterations of an interval. A software driver takes milliseconds for every operation. */
const ROUNDS = { tensorflow: 15, wasm: 40, webgpu: 2 } as const;
const INTERVALS = 3;
/** MiB. What allocators keep jumps by tens of MiB now and then; in the quietest of some intervals it moves by less. */
const QUIET = 40;
/** MiB per interval. */
const LEAK = 100;
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
    const leaks: tf.Tensor[] = [];
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
        for (let tensor = 0; tensor < leak; tensor++) leaks.push(tf.keep(tf.fill([256, 1024], 1)));
      }
    };
    const rounds = ROUNDS[backend];
    const leak = Math.ceil(LEAK / rounds);
    /** The least that resident memory grows by in an interval: a leak makes it grow in all of them. */
    const growth = async (leaking: boolean): Promise<number> => {
      let least = Number.POSITIVE_INFINITY;
      for (let interval = 0; interval < INTERVALS; interval++) {
        const { resident } = held();
        await iterate(rounds, leaking ? leak : 0);
        least = Math.min(least, held().resident - resident);
      }
      return least;
    };
    await iterate(rounds);
    const before = held();
    expect(await growth(false)).toBeLessThan(QUIET);
    const after = held();
    expect(after.tensors).toBe(before.tensors);
    expect(after.bytes).toBe(before.bytes);
    // A leak of some tensors of 1 MiB per iteration is seen in all three.
    expect(await growth(true)).toBeGreaterThan(QUIET);
    const leaked = held();
    expect(leaked.tensors).toBe(after.tensors + INTERVALS * rounds * leak);
    expect(leaked.bytes).toBe(after.bytes + INTERVALS * rounds * leak * 2 ** 20);
    tf.dispose(leaks);
    policy.dispose();
  });
});
