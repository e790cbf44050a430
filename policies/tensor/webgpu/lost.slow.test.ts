import * as tf from '@tensorflow/tfjs';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { loadBackend } from '../backend.ts';
import { takeValues } from '../read.ts';
import {
  hasSoftwareVulkan,
  requireSoftwareVulkanInCi,
  useSoftwareVulkan,
} from './software-vulkan.test-helper.ts';

requireSoftwareVulkanInCi('a GPU in trouble');

describe.skipIf(!hasSoftwareVulkan)('a GPU in trouble', () => {
  // Every test breaks its backend: the next has one of its own.
  beforeEach(async () => {
    useSoftwareVulkan();
    if (tf.findBackend('webgpu') !== null) tf.removeBackend('webgpu');
    await loadBackend('webgpu');
  });

  const device = () => (tf.backend() as WebGPUBackend).device;
  const double = () => takeValues([tf.add(tf.ones([5000]), 1)]);

  it('computes before', async () => {
    expect((await double())[0]![4999]).toBe(2);
  });

  it('that is lost is an error of the next reads, and says so', async () => {
    await double();
    device().destroy();
    await expect(double()).rejects.toThrow(/^backend: webgpu: the device was lost: ./);
    await expect(double()).rejects.toThrow(/^backend: webgpu: the device was lost/);
  });

  it('that is lost while numbers are read is an error of that read', async () => {
    const reading = double();
    device().destroy();
    await expect(reading).rejects.toThrow(/^backend: webgpu: the device was lost: ./);
  });

  it('that has no room is an error instead of zeros, and prints nothing', async () => {
    const said = vi.spyOn(process.stdout, 'write');
    const { maxBufferSize } = device().limits;
    const large = tf.fill([maxBufferSize / 4 + 1024], 1);
    await expect(takeValues([tf.slice(large, [0], [5000])])).rejects.toThrow(
      /^backend: webgpu: .*exceeds the max buffer size limit/,
    );
    expect(said).not.toHaveBeenCalled();
    said.mockRestore();
  });

  it('has all the memory per tensor that the adapter gives, not what every GPU has', () => {
    expect(device().limits.maxStorageBufferBindingSize).toBeGreaterThan(2 ** 27);
    expect(device().limits.maxBufferSize).toBeGreaterThan(2 ** 28);
  });
});
