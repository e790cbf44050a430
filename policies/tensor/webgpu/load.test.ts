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

/** What an expression gives that imports a compiled module, in a process of its own, and how the process ends. */
function evaluateIn(env: Record<string, string>, module: string, expression: string, root = ROOT) {
  const url = new URL(`dist/policies/tensor/webgpu/${module}`, root);
  const code = `import { ${expression.split('(')[0]} } from '${url}';
    const { note, why, fix } = await ${expression}.then((note) => ({ note }), (error) => error);
    console.log(JSON.stringify({ note, why, fix }));`;
  const { stdout, stderr, status, signal } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', code],
    { cwd: fileURLToPath(root), encoding: 'utf8', env: { PATH: process.env.PATH, ...env } },
  );
  return { said: stdout === '' ? stderr : JSON.parse(stdout), status, signal };
}

const CLEAN = { status: 0, signal: null };

describe('loading webgpu', () => {
  it('says what is missing where there is no driver, and the process ends', () => {
    const { said, ...end } = evaluateIn({ VK_DRIVER_FILES: '/nowhere.json' }, 'load.js', 'loadWebGpu()');
    expect(said.why).toMatch(/no GPU/);
    expect(said.fix).toMatch(/libvulkan1.*VK_DRIVER_FILES/);
    expect(end).toEqual(CLEAN);
  });

  it('names the command that installs the package where it is absent', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'creditbench-webgpu-'));
    for (const part of ['package.json', 'dist/core', 'dist/policies/tensor']) {
      await cp(new URL(part, ROOT), join(folder, part), { recursive: true });
    }
    const { said } = evaluateIn({}, 'device.js', 'findAdapter()', pathToFileURL(`${folder}/`));
    await rm(folder, { recursive: true });
    expect(said).toEqual({ why: 'needs the package webgpu', fix: `npm install ${DAWN}` });
  });

  it('names the version that the package file asks for', () => {
    const { peerDependencies } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'));
    expect(DAWN).toBe(`webgpu@${peerDependencies.webgpu}`);
  });
});

requireSoftwareVulkanInCi('a software driver described');

it.skipIf(!hasSoftwareVulkan)('tells a software driver from a GPU, and the process ends', () => {
  const { said, ...end } = evaluateIn(SOFTWARE_VULKAN, 'load.js', 'loadWebGpu()');
  expect(said.note).toMatch(/SwiftShader.*\(software.*\); tensors of up to \d+ MiB$/);
  expect(end).toEqual(CLEAN);
});
