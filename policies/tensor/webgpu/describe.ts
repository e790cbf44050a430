import { findAdapter, nameOf, Unavailable } from './device.ts';

/** Whether the backend can be used here. */
export interface WebGpuReport {
  readonly available: boolean;
  /** The GPU, whether it is one, and how large a tensor can be; or what is missing. */
  readonly note: string;
  /** How to get what is missing. */
  readonly fix?: string;
}

/** Looks for a GPU, without computing anything on it. */
export async function describeWebGpu(): Promise<WebGpuReport> {
  try {
    const { adapter } = await findAdapter();
    const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
    const mebibytes = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 2 ** 20);
    const kind = adapter.info.isFallbackAdapter ? 'software, for tests: slow' : 'hardware';
    return { available: true, note: `${nameOf(adapter)} (${kind}); tensors of up to ${mebibytes} MiB` };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { available: false, note: error.problem, fix: error.fix };
  }
}
