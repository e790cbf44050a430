import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DAWN } from './device.ts';
import {
  hasSoftwareVulkan,
  requireSoftwareVulkanInCi,
  SOFTWARE_VULKAN,
} from './software-vulkan.test-helper.ts';

const ROOT = new URL('../../../', import.meta.url);

/** What the compiled function says in a process of its own, and how the process ends. */
function describeIn(env: Record<string, string>, root = ROOT) {
  const url = new URL('dist/policies/tensor/webgpu/describe.js', root);
  const code = `import { describeWebGpu } from '${url}'; console.log(JSON.stringify(await describeWebGpu()));`;
  const { stdout, status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: fileURLToPath(root),
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  return { report: JSON.parse(stdout), status, signal };
}

describe('describeWebGpu', () => {
  it('says what is missing where there is no driver, and the process ends', () => {
    const { report, status, signal } = describeIn({ VK_DRIVER_FILES: '/nowhere.json' });
    expect(report).toMatchObject({ available: false, note: expect.stringMatching(/no GPU/) });
    expect(report.fix).toMatch(/driver.*VK_DRIVER_FILES/);
    expect({ status, signal }).toEqual({ status: 0, signal: null });
  });

  it('names the command that installs the package where it is absent', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'creditbench-webgpu-'));
    for (const part of ['package.json', 'dist/core', 'dist/policies/tensor/webgpu']) {
      await cp(new URL(part, ROOT), join(folder, part), { recursive: true });
    }
    const { report } = describeIn({}, pathToFileURL(`${folder}/`));
    await rm(folder, { recursive: true });
    const fix = `npm install ${DAWN}`;
    expect(report).toEqual({ available: false, note: 'needs the package webgpu', fix });
  });

  it('names the version that the package file asks for', () => {
    const { peerDependencies } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
    expect(DAWN).toBe(`webgpu@${peerDependencies.webgpu}`);
  });
});

requireSoftwareVulkanInCi('a software driver described');

it.skipIf(!hasSoftwareVulkan)('describes a software driver as one, and the process ends', () => {
  const { report, status, signal } = describeIn(SOFTWARE_VULKAN);
  expect(report.available).toBe(true);
  expect(report.note).toMatch(/SwiftShader.*\(software.*\); tensors of up to \d+ MiB$/);
  expect(report.fix).toBeUndefined();
  expect({ status, signal }).toEqual({ status: 0, signal: null });
});
