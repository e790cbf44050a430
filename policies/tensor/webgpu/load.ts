import * as tf from '@tensorflow/tfjs';
import { BackendMissing } from '../missing.ts';
import { describeAdapter, findAdapter, openDevice } from './device.ts';

/**
 * Makes tfjs run on a GPU through Dawn, with kernels of our own where its own are missing or add up in no fixed order.
 * @returns what that is, in words.
 * @throws BackendMissing when the package or a driver is missing.
 */
export async function loadWebGpu(): Promise<string> {
  const { gpu, adapter } = await findAdapter();
  if (tf.findBackend('webgpu') === null) {
    const device = await openDevice(adapter);
    // Loaded only when it is used, because it is large.
    const { GuardedBackend } = await import('./guarded.ts');
    const { registerWebGpuKernels } = await import('./register.ts');
    const backend = withNavigator(gpu, () => new GuardedBackend(device, adapter.info));
    tf.registerBackend('webgpu', () => backend);
    registerWebGpuKernels();
  }
  if (!(await tf.setBackend('webgpu'))) throw new BackendMissing('webgpu', 'does not start', '');
  return describeAdapter(adapter);
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
