import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { expect, it } from 'vitest';

/** Debian's package chromium: a Vulkan driver that computes on the processor, and a loader for it. */
const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';
const LOADER = '/usr/lib/chromium/libvulkan.so.1';

/** Whether the software driver is installed. */
export const hasSoftwareVulkan = existsSync(DRIVER) && existsSync(LOADER);

/** Environment variables with which a process finds the software driver and no other. */
export const SOFTWARE_VULKAN = { VK_DRIVER_FILES: DRIVER, LD_LIBRARY_PATH: '/usr/lib/chromium' } as const;

/**
 * Makes this process find the software driver and no other; to be called before `webgpu` is loaded. Does nothing if
 * VK_DRIVER_FILES names a driver: so the tests run on a GPU.
 */
export function useSoftwareVulkan(): void {
  if (process.env.VK_DRIVER_FILES !== undefined) return;
  process.env.VK_DRIVER_FILES = DRIVER;
  // The library path of a running process is fixed, but what it has loaded already it finds by name. It is no module
  // of Node, which says so and would unload it.
  const stay = 0x1000; // RTLD_NODELETE
  try {
    process.dlopen({ exports: {} }, LOADER, constants.dlopen.RTLD_NOW | stay);
  } catch (error) {
    if (!String(error).includes('did not self-register')) throw error;
  }
}

/** Says that tests are skipped where the driver is not installed, and fails in CI, where it has to be. */
export function requireSoftwareVulkanInCi(what: string): void {
  if (!hasSoftwareVulkan) process.stderr.write(`SKIPPED: ${what}, there is no ${DRIVER}\n`);
  it('has its software driver in CI', () => {
    expect(hasSoftwareVulkan || process.env.CI === undefined).toBe(true);
  });
}
