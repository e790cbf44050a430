import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { MachineError } from '../../../core/errors.ts';

/** Bytes of buffers that are kept for reuse. tfjs keeps every buffer of every size that ever was. */
const SPARE_BYTES = 1 << 28;

/**
 * tfjs's backend, but what goes wrong on the GPU (no memory, a lost device, a buffer that is too large) is an error at
 * the next read instead of wrong numbers, and memory that is not used is given back.
 */
export class GuardedBackend extends WebGPUBackend {
  #problem: Error | undefined;

  constructor(device: GPUDevice, info: GPUAdapterInfo) {
    super(device, info);
    device.addEventListener('uncapturederror', (event) => {
      // Otherwise it is printed too.
      event.preventDefault();
      this.#problem ??= problem(event.error.message);
    });
    void device.lost.then(({ message }) => {
      this.#problem ??= problem(`the device was lost: ${message || 'it gave no reason'}`, MachineError);
    });
  }

  override async read(dataId: object): ReturnType<WebGPUBackend['read']> {
    let values: Awaited<ReturnType<WebGPUBackend['read']>>;
    try {
      values = await super.read(dataId);
    } catch (error) {
      // Why the device is lost is told after the read that it ends.
      await new Promise((resolve) => setImmediate(resolve));
      throw this.#problem ?? problem(`a tensor could not be read: ${(error as Error).message}`);
    }
    if (this.#problem !== undefined) throw this.#problem;
    return values;
  }

  override readSync(dataId: object): ReturnType<WebGPUBackend['readSync']> {
    const { values, dtype } = this.tensorMap.get(dataId);
    // In a browser, tfjs would draw the numbers on a canvas.
    if (!values && dtype !== 'complex64') {
      throw new Error('backend: webgpu: this tensor is on the GPU: read it with `await tensor.data()`');
    }
    return super.readSync(dataId);
  }

  override submitQueue(): void {
    super.submitQueue();
    const { bufferManager: pool } = this;
    if (pool.numBytesAllocated - pool.numBytesUsed <= SPARE_BYTES) return;
    const spare = pool as unknown as SparePool;
    for (const buffers of spare.freeBuffers.values()) {
      for (const buffer of buffers.splice(0)) {
        pool.numBytesAllocated -= buffer.size;
        spare.numFreeBuffers--;
        buffer.destroy();
      }
    }
  }
}

/** Of tfjs's pool, what its types do not tell. */
interface SparePool {
  readonly freeBuffers: ReadonlyMap<string, GPUBuffer[]>;
  numFreeBuffers: number;
}

const problem = (message: string, kind: new (message: string) => Error = Error): Error =>
  new kind(`backend: webgpu: ${message.replaceAll(/\s*\n\s*/g, ' ').trim()}`);
