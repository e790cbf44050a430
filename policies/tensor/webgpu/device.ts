import { BackendMissing } from '../missing.ts';

/** The package that brings WebGPU to Node, in the version that was tested. */
export const DAWN = 'webgpu@0.6.2';

const DRIVER = 'apt install libvulkan1 and the driver of the GPU, or name its file in VK_DRIVER_FILES';

/** Limits of tfjs's kernels and of tensors; the defaults are the least that any GPU has. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
] as const;

/** What Dawn offers. It lives as long as this reference to it, which is to the end of the process. */
let offered: Promise<GPU> | undefined;

/** The GPU to use: the fastest of those with a driver. @throws BackendMissing when there is none. */
export async function findAdapter(): Promise<{ readonly gpu: GPU; readonly adapter: GPUAdapter }> {
  offered ??= loadDawn();
  const gpu = await offered;
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new BackendMissing('webgpu', 'found no GPU with a Vulkan, Metal or D3D12 driver', DRIVER);
  }
  return { gpu, adapter };
}

/** A device with all the memory per tensor that the adapter gives. @throws BackendMissing when it gives none. */
export async function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]));
  try {
    return await adapter.requestDevice({ requiredLimits });
  } catch (error) {
    throw new BackendMissing(
      'webgpu',
      `gets no device from ${nameOf(adapter.info)} (${firstLine(error)})`,
      '',
    );
  }
}

async function loadDawn(): Promise<GPU> {
  const { create, globals } = await import('webgpu').catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    const absent = code === 'ERR_MODULE_NOT_FOUND' && message.includes("'webgpu'");
    if (absent) throw new BackendMissing('webgpu', 'needs the package webgpu', `npm install ${DAWN}`);
    const platform = `${process.platform}-${process.arch}`;
    throw new BackendMissing('webgpu', `does not load on ${platform} (${firstLine(error)})`, '');
  });
  // Constructors and constants that code for browsers expects.
  Object.assign(globalThis, globals);
  return create([]);
}

/** What a GPU and its driver call themselves, whether it is one, and how large a tensor can be. */
export function describeAdapter({ info, limits }: GPUAdapter): string {
  const kind = info.isFallbackAdapter ? 'software, for tests: slow' : 'hardware';
  const mebibytes = Math.floor(Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize) / 2 ** 20);
  return `${nameOf(info)} (${kind}); tensors of up to ${mebibytes} MiB`;
}

const nameOf = ({ vendor, device, description }: GPUAdapterInfo): string =>
  [vendor, device, description].filter((part) => part !== '').join(', ');

const firstLine = (error: unknown): string => String((error as Error).message ?? error).split('\n')[0]!;
