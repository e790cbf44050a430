import * as tf from '@tensorflow/tfjs';
import { InputError } from '../../../core/errors.ts';
import { findAdapter, openDevice } from './device.ts';

/**
 * Makes tfjs run on a GPU through Dawn, with kernels of our own where its own are missing or add up in no fixed order.
 * @throws InputError when the package or a driver is missing.
 */
export async function loadWebGpu(): Promise<void> {
  if (tf.findBackend('webgpu') === null) {
    const { gpu, adapter } = await findAdapter();
    const device = await openDevice(adapter);
    // Large: only where it is used.
    const { GuardedBackend } = await import('./guarded.ts');
    const { registerWebGpuKernels } = await import('./register.ts');
    const backend = withNavigator(gpu, () => new GuardedBackend(device, adapter.info));
    tf.registerBackend('webgpu', () => backend);
    registerWebGpuKernels();
  }
  if (!(await tf.setBackend('webgpu'))) throw new InputError('backend: webgpu does not start');
}

/** The backend's constructor asks the browser for a GPU. Nothing else should take Node for one. */
function withNavigator<Result>(gpu: GPU, make: () => Result): Result {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  try {
    return make();
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, 'navigator');
    else Object.defineProperty(globalThis, 'navigator', before);
  }
}
