import * as tf from '@tensorflow/tfjs';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/** Numbers that one tensor of the current backend can have: a GPU sets a limit, other backends only memory. */
export function largestTensor(): number {
  if (tf.getBackend() !== 'webgpu') return Number.POSITIVE_INFINITY;
  const { limits } = (tf.backend() as WebGPUBackend).device;
  return Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize) / 4;
}
