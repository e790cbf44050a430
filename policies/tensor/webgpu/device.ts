import { InputError } from '../../../core/errors.ts';

/** The package that brings WebGPU to Node, in the version that was tested. */
export const DAWN = 'webgpu@0.6.2';

/** How to get what is missing: the package, or a driver. */
export const FIXES = {
  package: `npm install ${DAWN}`,
  driver:
    'install the GPU driver and a Vulkan loader (Debian: libvulkan1), or name a driver in VK_DRIVER_FILES',
} as const;

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

/** The GPU to use: the fastest of those with a driver. @throws InputError when there is none. */
export async function findAdapter(): Promise<{ readonly gpu: GPU; readonly adapter: GPUAdapter }> {
  offered ??= loadDawn();
  const gpu = await offered;
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new InputError(
      `backend: webgpu found no GPU with a Vulkan, Metal or D3D12 driver: ${FIXES.driver}`,
    );
  }
  return { gpu, adapter };
}

/** A device with all the memory per tensor that the adapter gives. @throws InputError when it gives no device. */
export async function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]));
  try {
    return await adapter.requestDevice({ requiredLimits });
  } catch (error) {
    throw new InputError(`backend: webgpu: ${adapter.info.description} gives no device: ${firstLine(error)}`);
  }
}

async function loadDawn(): Promise<GPU> {
  const { create, globals } = await import('webgpu').catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    const absent = code === 'ERR_MODULE_NOT_FOUND' && message.includes("'webgpu'");
    const problem = absent
      ? `needs the package webgpu: ${FIXES.package}`
      : `: the package webgpu does not load on ${process.platform}-${process.arch}: ${firstLine(error)}`;
    throw new InputError(`backend: webgpu${absent ? ' ' : ''}${problem}`);
  });
  // Constructors and constants that code for browsers expects.
  Object.assign(globalThis, globals);
  return create([]);
}

const firstLine = (error: unknown): string => String((error as Error).message ?? error).split('\n')[0]!;
