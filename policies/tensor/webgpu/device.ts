import { InputError } from '../../../core/errors.ts';

/** The package that brings WebGPU to Node, in the version that was tested. */
export const DAWN = 'webgpu@0.6.2';

const DRIVER =
  'install the GPU driver and a Vulkan loader (Debian: libvulkan1), or name a driver in VK_DRIVER_FILES';

/** The backend cannot be used here. */
export class Unavailable extends InputError {
  /**
   * @param problem what is missing.
   * @param fix how to get it.
   */
  constructor(
    readonly problem: string,
    readonly fix: string,
  ) {
    super(`backend: webgpu ${problem}: ${fix}`);
  }
}

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

/** The GPU to use: the fastest of those with a driver. @throws Unavailable when there is none. */
export async function findAdapter(): Promise<{ readonly gpu: GPU; readonly adapter: GPUAdapter }> {
  offered ??= loadDawn();
  const gpu = await offered;
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new Unavailable('found no GPU with a Vulkan, Metal or D3D12 driver', DRIVER);
  }
  return { gpu, adapter };
}

/** A device with all the memory per tensor that the adapter gives. @throws Unavailable when it gives none. */
export async function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]]));
  try {
    return await adapter.requestDevice({ requiredLimits });
  } catch (error) {
    throw new Unavailable(
      `gets no device from ${nameOf(adapter)} (${firstLine(error)})`,
      'update its driver',
    );
  }
}

async function loadDawn(): Promise<GPU> {
  const { create, globals } = await import('webgpu').catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    const absent = code === 'ERR_MODULE_NOT_FOUND' && message.includes("'webgpu'");
    if (absent) throw new Unavailable('needs the package webgpu', `npm install ${DAWN}`);
    const platform = `${process.platform}-${process.arch}`;
    throw new Unavailable(`does not load on ${platform} (${firstLine(error)})`, 'use wasm');
  });
  // Constructors and constants that code for browsers expects.
  Object.assign(globalThis, globals);
  return create([]);
}

/** What a GPU and its driver call themselves. */
export const nameOf = ({ info }: GPUAdapter): string =>
  [info.vendor, info.device, info.description].filter((part) => part !== '').join(', ');

const firstLine = (error: unknown): string => String((error as Error).message ?? error).split('\n')[0]!;
